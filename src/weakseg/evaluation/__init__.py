"""Scores over a data set, as numbers, tables and a report.

The report draws with matplotlib, which is slow to import; it is reached by its own module,
`weakseg.evaluation.report`.
"""

from weakseg.evaluation.files import read_scores, write_scores
from weakseg.evaluation.folder import score_folder
from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import Confusion, Scores, label_confusion
from weakseg.evaluation.table import ScoreRow, comparison_table, score_table

__all__ = [
    "Confusion",
    "Protocol",
    "ScoreRow",
    "Scores",
    "comparison_table",
    "label_confusion",
    "read_scores",
    "score_folder",
    "score_table",
    "write_scores",
]
