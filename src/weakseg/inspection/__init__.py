"""The content of a data set of marks, and what is wrong with it: counts and findings."""

from weakseg.inspection.counts import Agreement, ClassCounts, Inspection
from weakseg.inspection.survey import inspect_marks

__all__ = ["Agreement", "ClassCounts", "Inspection", "inspect_marks"]
