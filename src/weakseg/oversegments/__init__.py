"""Images -> closed regions of low-level likeness (oversegments), without torch.

Only HED boundaries need torch; `hed` is therefore imported where they are asked for.
"""

from weakseg.oversegments.boundaries import gradient_boundaries
from weakseg.oversegments.cache import oversegment_image, oversegment_images, write_region_maps
from weakseg.oversegments.contours import overlay_contours
from weakseg.oversegments.own_maps import check_own_maps, own_region_maps
from weakseg.oversegments.region_maps import load_oversegment, region_means, save_oversegment
from weakseg.oversegments.regions import closed_regions
from weakseg.oversegments.settings import OversegmentSettings

__all__ = [
    "OversegmentSettings",
    "check_own_maps",
    "closed_regions",
    "gradient_boundaries",
    "load_oversegment",
    "overlay_contours",
    "oversegment_image",
    "oversegment_images",
    "own_region_maps",
    "region_means",
    "save_oversegment",
    "write_region_maps",
]
