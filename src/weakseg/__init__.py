"""Train a semantic segmenter from tags, boxes, points, scribbles or masks, in any mix.

import weakseg
weakseg.train("photos", recipe="small", out="run")
mask = weakseg.Segmenter.load("run").predict("photo.jpg")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weakseg.api import Trained, predict, train
    from weakseg.conversion import convert_checkpoint
    from weakseg.datasets.importer import import_marks
    from weakseg.datasets.simulator import simulate
    from weakseg.inference import Segmenter
    from weakseg.inspection import inspect_data
    from weakseg.labelling import Labelled, label
    from weakseg.run_demo import demo
    from weakseg.scoring import evaluate, evaluate_variants

__version__ = "0.1.0"
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
    "Labelled": "weakseg.labelling",
    "Segmenter": "weakseg.inference",
    "Trained": "weakseg.api",
    "convert_checkpoint": "weakseg.conversion",
    "demo": "weakseg.run_demo",
    "evaluate": "weakseg.scoring",
    "evaluate_variants": "weakseg.scoring",
    "import_marks": "weakseg.datasets.importer",
    "inspect_data": "weakseg.inspection",
    "label": "weakseg.labelling",
    "predict": "weakseg.api",
    "simulate": "weakseg.datasets.simulator",
    "train": "weakseg.api",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: torch alone takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'weakseg' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
