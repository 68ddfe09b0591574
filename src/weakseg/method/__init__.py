"""The method of SPML, as functions on tensors; imports torch alone.

*Universal Weakly Supervised Segmentation by Pixel-to-Segment Contrastive Learning*, arXiv
2105.00957. Read it in this order:

- Grouping: `segment_pixels` groups an image's pixels into segments (`location_features`,
  `colour_features`, `spherical_kmeans`), `segment_prototypes` computes their mean directions.
- The loss: `contrastive_loss` for one label each, `set_contrastive_loss` for a set of labels, which
  `tag_rarity` may weigh and `set_overlap` compares.
- The objective: `PixelToSegmentLoss` is that loss under the four relations, with a `MemoryBank` of
  earlier steps and, for affinity, `propagate_labels`. `polynomial_decay` is the learning rate.
- Inference: `majority_label` labels the prototypes of a memory; `nearest_labels` and
  `vote_share` label new segments by it.
"""

from weakseg.method.affinity import propagate_labels
from weakseg.method.contrastive import contrastive_loss, set_contrastive_loss
from weakseg.method.features import colour_features, location_features
from weakseg.method.kmeans import grid_labels, spherical_kmeans
from weakseg.method.memory import MemoryBank, Prototypes
from weakseg.method.objective import PixelToSegmentLoss, Relation
from weakseg.method.rarity import set_overlap, tag_rarity
from weakseg.method.retrieval import nearest_labels, vote_share
from weakseg.method.schedule import polynomial_decay
from weakseg.method.segments import Segments, majority_label, segment_pixels, segment_prototypes
from weakseg.method.vectors import unit_length

__all__ = [
    "MemoryBank",
    "PixelToSegmentLoss",
    "Prototypes",
    "Relation",
    "Segments",
    "colour_features",
    "contrastive_loss",
    "grid_labels",
    "location_features",
    "majority_label",
    "nearest_labels",
    "polynomial_decay",
    "propagate_labels",
    "segment_pixels",
    "segment_prototypes",
    "set_contrastive_loss",
    "set_overlap",
    "spherical_kmeans",
    "tag_rarity",
    "unit_length",
    "vote_share",
]
