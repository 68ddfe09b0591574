"""Scores over a data set, as numbers, tables and a report.

The report draws with matplotlib, which is slow to import; it is reached by its own module,
`weakseg.evaluation.report`.
"""

from weakseg.evaluation.confusion import Confusion, label_confusion
from weakseg.evaluation.files import read_scores, write_scores, write_variants
from weakseg.evaluation.folder import score_folder
from weakseg.evaluation.label_quality import LabelQuality, label_quality
from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import ConfusedPair, Scores
from weakseg.evaluation.table import (
    ScoreRow,
    comparison_table,
    confusion_table,
    score_table,
    variants_table,
)
from weakseg.evaluation.truths import find_instance_maps, instance_note, read_truth
from weakseg.evaluation.variants import Variant, score_variants

__all__ = [
    "ConfusedPair",
    "Confusion",
    "LabelQuality",
    "Protocol",
    "ScoreRow",
    "Scores",
    "Variant",
    "comparison_table",
    "confusion_table",
    "find_instance_maps",
    "instance_note",
    "label_confusion",
    "label_quality",
    "read_scores",
    "read_truth",
    "score_folder",
    "score_table",
    "score_variants",
    "variants_table",
    "write_scores",
    "write_variants",
]
