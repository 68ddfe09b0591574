"""Scores over a data set, with the protocol by which they were measured."""

from weakseg.evaluation.confusion import Confusion, label_confusion
from weakseg.evaluation.files import read_scores, write_scores, write_variants
from weakseg.evaluation.folder import score_folder
from weakseg.evaluation.ground_truth import find_instance_maps, instance_note, read_truth
from weakseg.evaluation.label_quality import LabelQuality, label_quality
from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import ConfusedPair, Scores
from weakseg.evaluation.variants import Variant, score_variants

__all__ = [
    "ConfusedPair",
    "Confusion",
    "LabelQuality",
    "Protocol",
    "Scores",
    "Variant",
    "find_instance_maps",
    "instance_note",
    "label_confusion",
    "label_quality",
    "read_scores",
    "read_truth",
    "score_folder",
    "score_variants",
    "write_scores",
    "write_variants",
]
