"""The report of one training: what came of the marks, stage by stage."""

from weakseg.run_report.logs import loss_curves
from weakseg.run_report.panels import example
from weakseg.run_report.pick import spread
from weakseg.run_report.write import facts, write_run_report

__all__ = ["example", "facts", "loss_curves", "spread", "write_run_report"]
