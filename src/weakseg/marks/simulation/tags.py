"""Tags from full masks."""

from __future__ import annotations

import numpy as np

from weakseg.marks.label_maps import LabelMap
from weakseg.marks.label_values import MAX_CLASSES


def simulate_tags(labels: LabelMap, *, has_background: bool = True) -> frozenset[int]:
    """Name the classes that an image holds, be it with a single pixel.

    Args:
        labels: Label map, (H, W).
        has_background: Class 0 is background, and so no tag.

    Examples:
        >>> sorted(simulate_tags(np.array([[0, 2, 255], [1, 254, 1]], np.uint8)))
        [1, 2]
    """
    present = np.unique(labels)
    return frozenset(present[(present >= int(has_background)) & (present < MAX_CLASSES)].tolist())
