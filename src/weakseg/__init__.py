"""Train a semantic segmenter from tags, boxes, points, scribbles or masks, in any mix.

import weakseg
weakseg.train("photos", recipe="small", out="run")
mask = weakseg.Segmenter.load("run").predict("photo.jpg")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from weakseg.support.version import __version__

if TYPE_CHECKING:
    from weakseg.api.convert import convert_checkpoint
    from weakseg.api.demo import demo
    from weakseg.api.evaluate import evaluate, evaluate_variants
    from weakseg.api.import_ import import_marks
    from weakseg.api.inspect import inspect_data
    from weakseg.api.label import Labelled, label
    from weakseg.api.predict import predict
    from weakseg.api.simulate import simulate
    from weakseg.api.train import Trained, train
    from weakseg.inference import Segmenter


__all__ = [
    "Labelled",
    "Segmenter",
    "Trained",
    "__version__",
    "convert_checkpoint",
    "demo",
    "evaluate",
    "evaluate_variants",
    "import_marks",
    "inspect_data",
    "label",
    "predict",
    "simulate",
    "train",
]

_HOMES = {
    "Labelled": "weakseg.api.label",
    "Segmenter": "weakseg.inference",
    "Trained": "weakseg.api.train",
    "convert_checkpoint": "weakseg.api.convert",
    "demo": "weakseg.api.demo",
    "evaluate": "weakseg.api.evaluate",
    "evaluate_variants": "weakseg.api.evaluate",
    "import_marks": "weakseg.api.import_",
    "inspect_data": "weakseg.api.inspect",
    "label": "weakseg.api.label",
    "predict": "weakseg.api.predict",
    "simulate": "weakseg.api.simulate",
    "train": "weakseg.api.train",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: torch alone takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'weakseg' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
