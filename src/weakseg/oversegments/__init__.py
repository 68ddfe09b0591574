"""Oversegments: images cut into closed regions of similar colour and texture, without torch.

Only HED boundaries need torch; `hed` is therefore imported on use.
"""

from weakseg.oversegments.boundaries import gradient_boundaries
from weakseg.oversegments.cache import oversegment_image, oversegment_images, write_region_maps
from weakseg.oversegments.contours import overlay_contours
from weakseg.oversegments.region_maps import load_oversegment, region_means, save_oversegment
from weakseg.oversegments.regions import closed_regions
from weakseg.oversegments.settings import OversegmentSettings
from weakseg.oversegments.user_maps import check_region_maps, user_region_maps

__all__ = [
    "OversegmentSettings",
    "check_region_maps",
    "closed_regions",
    "gradient_boundaries",
    "load_oversegment",
    "overlay_contours",
    "oversegment_image",
    "oversegment_images",
    "region_means",
    "save_oversegment",
    "user_region_maps",
    "write_region_maps",
]
