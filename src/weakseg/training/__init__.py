"""Training: from marked images to a network, stage by stage."""

from weakseg.training.pipeline import Outcome, run_stages
from weakseg.training.steps.embedding import EmbeddingModule
from weakseg.training.steps.views import check_crop

__all__ = ["EmbeddingModule", "Outcome", "check_crop", "run_stages"]
