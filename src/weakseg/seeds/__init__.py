"""Seeds: pixels labelled by class activation maps, for images with tags or boxes."""

from weakseg.seeds.activations import (
    Activations,
    class_activations,
    load_activations,
    normalise_by_class,
    save_activations,
    select_classes,
)
from weakseg.seeds.classifier import TagClassifier, build_tag_classifier
from weakseg.seeds.labels import SeedRules, seed_labels
from weakseg.seeds.user_activations import user_activations

__all__ = [
    "Activations",
    "SeedRules",
    "TagClassifier",
    "build_tag_classifier",
    "class_activations",
    "load_activations",
    "normalise_by_class",
    "save_activations",
    "seed_labels",
    "select_classes",
    "user_activations",
]
