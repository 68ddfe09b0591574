"""Training: from marked images to a network, stage by stage."""

from weakseg.training.pipeline import Outcome, run_stages
from weakseg.training.steps.embedding import EmbeddingModule

__all__ = ["EmbeddingModule", "Outcome", "run_stages"]
