"""Tags and boxes -> seeds: labelled pixels from class activation maps."""

from weakseg.seeds.activations import Activations, class_activations, normalised
from weakseg.seeds.classifier import TagClassifier, build_tag_classifier
from weakseg.seeds.files import load_activations, save_activations
from weakseg.seeds.labels import SeedRules, seed_labels
from weakseg.seeds.own_maps import own_activations

__all__ = [
    "Activations",
    "SeedRules",
    "TagClassifier",
    "build_tag_classifier",
    "class_activations",
    "load_activations",
    "normalised",
    "own_activations",
    "save_activations",
    "seed_labels",
]
