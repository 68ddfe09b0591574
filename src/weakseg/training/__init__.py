"""Training: from records to a network, stage by stage."""

from weakseg.training.pipeline import Outcome, run_stages
from weakseg.training.steps.contrastive import TrainingModule

__all__ = ["Outcome", "TrainingModule", "run_stages"]
