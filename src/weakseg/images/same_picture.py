"""Whether two images of one name are the same picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from weakseg.images.orientation import shown_size, upright
from weakseg.images.reading import opened_image
from weakseg.support.contents import content_stamp
from weakseg.support.errors import DataError

_SMALL = (32, 32)
_NEAR = 8.0  # of 255; packing a photograph anew changes its means far less

Picture = Path | bytes | None


def is_same_picture(first: Picture, second: Picture) -> bool:
    """Whether two pictures are the same; one that is not there, or cannot be read, may be any.

    Files are compared by their content. A tool that keeps pictures in its own files may have
    packed them anew, so that such a picture is compared with a file by what it shows.

    Args:
        first: An image file, or the bytes of one.
        second: Likewise.
    """
    if first is None or second is None or first == second:
        return True
    try:
        if isinstance(first, Path) and isinstance(second, Path):
            if first.stat().st_size != second.stat().st_size:
                return False
            return content_stamp(first) == content_stamp(second)
        if isinstance(first, bytes) and isinstance(second, bytes):
            return False
        (one, one_size), (other, other_size) = _look(first), _look(second)
    except (OSError, DataError):  # said where the image is read
        return True
    return one_size == other_size and float(np.abs(one - other).mean()) < _NEAR


def _look(picture: Path | bytes) -> tuple[np.ndarray, tuple[int, int]]:
    """Return small grey values of a picture, (32, 32), and its size as people see it."""
    with opened_image(picture) as opened:
        grey = upright(opened).convert("RGB").convert("L").resize(_SMALL)
        return np.asarray(grey, np.float32), shown_size(opened)
