"""Writing of pictures that are whole."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def write_jpeg(path: Path, pixels: NDArray[np.uint8], quality: int) -> None:
    """Write pixels, (H, W, 3) or (H, W), as JPEG.

    Pillow's own writing to a file takes a piece that a full disk cut short for a whole one.

    Raises:
        OSError: The file cannot be written in full.
    """
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    path.write_bytes(stream.getvalue())
