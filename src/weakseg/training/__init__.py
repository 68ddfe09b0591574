"""Training: from records to a network."""

from weakseg.training.fit import fit
from weakseg.training.module import TrainingModule

__all__ = ["TrainingModule", "fit"]
