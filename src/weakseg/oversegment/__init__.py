"""Images -> closed regions of low-level likeness (oversegments), without torch."""

from weakseg.oversegment.boundaries import gradient_boundaries
from weakseg.oversegment.cache import OversegmentSettings, oversegment_image, oversegment_images
from weakseg.oversegment.region_maps import check_own_maps, load_oversegment, save_oversegment
from weakseg.oversegment.regions import closed_regions

__all__ = [
    "OversegmentSettings",
    "check_own_maps",
    "closed_regions",
    "gradient_boundaries",
    "load_oversegment",
    "oversegment_image",
    "oversegment_images",
    "save_oversegment",
]
