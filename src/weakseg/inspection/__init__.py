"""Inspection of a data set of marks: counts, findings, and a sample of images."""

from weakseg.inspection.counts import Agreement, ClassCounts, Inspection
from weakseg.inspection.dataset_inspection import inspect_marks

__all__ = ["Agreement", "ClassCounts", "Inspection", "inspect_marks"]
