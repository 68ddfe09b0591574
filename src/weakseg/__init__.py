"""Train a semantic segmenter from tags, boxes, points, scribbles or masks, in any mix.

import weakseg
weakseg.train("data", recipe="small", out="run")
mask = weakseg.Segmenter.load("run").predict("photo.jpg")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from weakseg.support.version import __version__ as __version__

if TYPE_CHECKING:  # the same as in _HOMES, for type checkers
    from weakseg.api.convert import convert_checkpoint as convert_checkpoint
    from weakseg.api.demo import Demo as Demo
    from weakseg.api.demo import demo as demo
    from weakseg.api.doctor import Diagnosis as Diagnosis
    from weakseg.api.doctor import doctor as doctor
    from weakseg.api.evaluate import evaluate as evaluate
    from weakseg.api.evaluate import evaluate_variants as evaluate_variants
    from weakseg.api.import_ import Imported as Imported
    from weakseg.api.import_ import ImportSettings as ImportSettings
    from weakseg.api.import_ import import_marks as import_marks
    from weakseg.api.inspect import inspect_data as inspect_data
    from weakseg.api.label import Labelled as Labelled
    from weakseg.api.label import label as label
    from weakseg.api.oversegment import Oversegmented as Oversegmented
    from weakseg.api.oversegment import oversegment as oversegment
    from weakseg.api.predict import predict as predict
    from weakseg.api.simulate import Simulated as Simulated
    from weakseg.api.simulate import SimulationSettings as SimulationSettings
    from weakseg.api.simulate import simulate as simulate
    from weakseg.api.train import Trained as Trained
    from weakseg.api.train import train as train
    from weakseg.evaluation.protocol import Protocol as Protocol
    from weakseg.evaluation.scores import Scores as Scores
    from weakseg.evaluation.variants import Variant as Variant
    from weakseg.inference.segmenter import Prediction as Prediction
    from weakseg.inference.segmenter import Segmenter as Segmenter
    from weakseg.inspection.counts import Inspection as Inspection
    from weakseg.marks.findings import Finding as Finding
    from weakseg.oversegments.settings import OversegmentSettings as OversegmentSettings
    from weakseg.recipes.reading import load_recipe as load_recipe
    from weakseg.recipes.recipe import ClassifyConfig as ClassifyConfig
    from weakseg.recipes.recipe import DataConfig as DataConfig
    from weakseg.recipes.recipe import InferenceConfig as InferenceConfig
    from weakseg.recipes.recipe import ModelConfig as ModelConfig
    from weakseg.recipes.recipe import ObjectiveConfig as ObjectiveConfig
    from weakseg.recipes.recipe import OptimizerConfig as OptimizerConfig
    from weakseg.recipes.recipe import OversegmentConfig as OversegmentConfig
    from weakseg.recipes.recipe import Recipe as Recipe
    from weakseg.recipes.recipe import RelabelConfig as RelabelConfig
    from weakseg.recipes.recipe import RelationConfig as RelationConfig
    from weakseg.recipes.recipe import SeedsConfig as SeedsConfig
    from weakseg.recipes.recipe import TrainingConfig as TrainingConfig
    from weakseg.recipes.recipe import TransformConfig as TransformConfig
    from weakseg.support.errors import DataError as DataError
    from weakseg.support.errors import MissingExtraError as MissingExtraError
    from weakseg.support.errors import NonFiniteError as NonFiniteError
    from weakseg.support.errors import RecipeError as RecipeError
    from weakseg.support.errors import RunError as RunError
    from weakseg.support.errors import WeaksegError as WeaksegError
    from weakseg.support.errors import WeightsError as WeightsError

_NAMES = {
    "weakseg.api.convert": "convert_checkpoint",
    "weakseg.api.demo": "Demo demo",
    "weakseg.api.doctor": "Diagnosis doctor",
    "weakseg.api.evaluate": "evaluate evaluate_variants",
    "weakseg.api.import_": "ImportSettings Imported import_marks",
    "weakseg.api.inspect": "inspect_data",
    "weakseg.api.label": "Labelled label",
    "weakseg.api.oversegment": "Oversegmented oversegment",
    "weakseg.api.predict": "predict",
    "weakseg.api.simulate": "Simulated SimulationSettings simulate",
    "weakseg.api.train": "Trained train",
    "weakseg.evaluation.protocol": "Protocol",
    "weakseg.evaluation.scores": "Scores",
    "weakseg.evaluation.variants": "Variant",
    "weakseg.inference.segmenter": "Prediction Segmenter",
    "weakseg.inspection.counts": "Inspection",
    "weakseg.marks.findings": "Finding",
    "weakseg.oversegments.settings": "OversegmentSettings",
    "weakseg.recipes.reading": "load_recipe",
    "weakseg.recipes.recipe": "ClassifyConfig DataConfig InferenceConfig ModelConfig "
    "ObjectiveConfig OptimizerConfig OversegmentConfig Recipe RelabelConfig RelationConfig "
    "SeedsConfig TrainingConfig TransformConfig",
    "weakseg.support.errors": "DataError MissingExtraError NonFiniteError RecipeError RunError "
    "WeaksegError WeightsError",
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: torch alone takes seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module 'weakseg' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
