"""What a data set of marks holds, and what is wrong with it: counts, findings, pictures, a page."""

from weakseg.inspection.counts import Agreement, ClassCounts, Inspection
from weakseg.inspection.page import write_page
from weakseg.inspection.run import inspect_data
from weakseg.inspection.sheets import contact_sheets
from weakseg.inspection.survey import inspect_marks
from weakseg.inspection.table import inspection_table

__all__ = [
    "Agreement",
    "ClassCounts",
    "Inspection",
    "contact_sheets",
    "inspect_data",
    "inspect_marks",
    "inspection_table",
    "write_page",
]
