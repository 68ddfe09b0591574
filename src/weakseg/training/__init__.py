"""Training: from records to a network, stage by stage."""

from weakseg.training.module import TrainingModule
from weakseg.training.pipeline import Outcome, run_stages

__all__ = ["Outcome", "TrainingModule", "run_stages"]
