"""The embedding network: timm backbone, pyramid head, classifier head, and their weights."""

from weakseg.models.backbone import Backbone, create_backbone
from weakseg.models.heads import ASPP, PSP, ClassifierHead, PyramidPooling
from weakseg.models.network import (
    EmbeddingNetwork,
    build_network,
    freeze_batch_norm,
    parameter_groups,
    save_network,
)
from weakseg.models.weights import FoundWeights, available_weights

__all__ = [
    "ASPP",
    "PSP",
    "Backbone",
    "ClassifierHead",
    "EmbeddingNetwork",
    "FoundWeights",
    "PyramidPooling",
    "available_weights",
    "build_network",
    "create_backbone",
    "freeze_batch_norm",
    "parameter_groups",
    "save_network",
]
