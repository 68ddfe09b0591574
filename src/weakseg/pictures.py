"""Opening picture files, so that whatever is wrong with one is said in one way."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from weakseg.errors import DataError

# What Pillow raises on a damaged file, by the place of the damage.
_DAMAGED = (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError)


@contextmanager
def opened(path: Path, *, what: str = "image") -> Iterator[Image.Image]:
    """Open a picture; errors inside the block that come of a damaged file are said too.

    Args:
        path: The file.
        what: What the file should be, for messages.

    Yields:
        The picture, not decoded yet.

    Raises:
        DataError: The file is missing, truncated or no picture.
    """
    try:
        with Image.open(path) as picture:
            yield picture
    except FileNotFoundError:
        raise DataError(f"there is no such {what}", path=path) from None
    except _DAMAGED as error:
        raise DataError(f"is damaged or no {what} ({error})", path=path) from error
