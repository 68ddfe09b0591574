"""Pictures inside an HTML page."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_MAX_WIDTH = 320
_MAX_HEIGHT = 480
_FEW_COLOURS = 256
_JPEG_QUALITY = 80


def shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink a picture to the size at which a page shows it; a smaller one stays as it is.

    Painted label maps, having few colours, keep their colours exactly.

    Args:
        picture: RGB, (H, W, 3), 8 bits a channel.

    Returns:
        A picture at most 320 pixels wide and 480 high.

    Raises:
        ValueError: The picture has another shape or type.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise ValueError(
            f"Expected `picture` to be (H, W, 3) of uint8, "
            f"but got {picture.shape} of {picture.dtype}."
        )
    height, width = picture.shape[:2]
    shrink = min(1.0, _MAX_WIDTH / width, _MAX_HEIGHT / height)
    if shrink == 1:
        return picture
    image = Image.fromarray(picture)
    how = Image.Resampling.NEAREST if _is_painted(image) else Image.Resampling.LANCZOS
    size = max(1, round(shrink * width)), max(1, round(shrink * height))
    return np.asarray(image.resize(size, how))


def picture_url(picture: NDArray[np.uint8]) -> str:
    """Shrink and compress a picture into a ``data:`` address.

    Painted label maps, having few colours, are stored exactly (PNG); photographs as JPEG.

    Args:
        picture: RGB, (H, W, 3), 8 bits a channel.

    Returns:
        The address, at most 320 pixels wide and 480 high.

    Raises:
        ValueError: The picture has another shape or type.
    """
    image = Image.fromarray(shrunk(picture))
    painted = _is_painted(image)
    stream = io.BytesIO()
    if painted:
        _with_palette(np.asarray(image)).save(stream, "png", optimize=True)
    else:
        # full colour resolution: thin coloured marks would fade
        image.save(stream, "jpeg", quality=_JPEG_QUALITY, subsampling=0, optimize=True)
    content = base64.b64encode(stream.getvalue()).decode("ascii")
    return f"data:image/{'png' if painted else 'jpeg'};base64,{content}"


def _is_painted(image: Image.Image) -> bool:
    return image.getcolors(_FEW_COLOURS) is not None


def _with_palette(picture: NDArray[np.uint8]) -> Image.Image:
    colours, index = np.unique(picture.reshape(-1, 3), axis=0, return_inverse=True)
    image = Image.fromarray(index.reshape(picture.shape[:2]).astype(np.uint8))
    image.putpalette(colours.tobytes())
    return image
