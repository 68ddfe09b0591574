"""Public names of weakseg; __init__.py loads each from here when it is first used."""

from .api.convert import convert_checkpoint as convert_checkpoint
from .api.demo import Demo as Demo, demo as demo
from .api.doctor import Diagnosis as Diagnosis, doctor as doctor
from .api.evaluate import evaluate as evaluate, evaluate_variants as evaluate_variants
from .api.import_ import (
    ImportSettings as ImportSettings,
    Imported as Imported,
    import_marks as import_marks,
)
from .api.inspect import inspect_data as inspect_data
from .api.label import Labelled as Labelled, label as label
from .api.oversegment import Oversegmented as Oversegmented, oversegment as oversegment
from .api.predict import predict as predict
from .api.simulate import (
    Simulated as Simulated,
    SimulationSettings as SimulationSettings,
    simulate as simulate,
)
from .api.train import Trained as Trained, train as train
from .evaluation.protocol import Protocol as Protocol
from .evaluation.scores import Scores as Scores
from .evaluation.variants import Variant as Variant
from .inference.segmenter import Prediction as Prediction, Segmenter as Segmenter
from .inspection.counts import Inspection as Inspection
from .marks.findings import Finding as Finding
from .oversegments.settings import OversegmentSettings as OversegmentSettings
from .recipes.reading import load_recipe as load_recipe
from .recipes.recipe import (
    ClassifyConfig as ClassifyConfig,
    DataConfig as DataConfig,
    InferenceConfig as InferenceConfig,
    ModelConfig as ModelConfig,
    ObjectiveConfig as ObjectiveConfig,
    OptimizerConfig as OptimizerConfig,
    OversegmentConfig as OversegmentConfig,
    Recipe as Recipe,
    RelabelConfig as RelabelConfig,
    RelationConfig as RelationConfig,
    SeedsConfig as SeedsConfig,
    TrainingConfig as TrainingConfig,
    TransformConfig as TransformConfig,
)
from .support.errors import (
    DataError as DataError,
    MissingExtraError as MissingExtraError,
    NonFiniteError as NonFiniteError,
    RecipeError as RecipeError,
    RunError as RunError,
    WeaksegError as WeaksegError,
    WeightsError as WeightsError,
)
from .support.version import __version__ as __version__
