"""Pictures in an HTML page: their size and their data URLs."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from weakseg.marks.drawing import Size

MAX_WIDTH = 320
MAX_HEIGHT = 480
_FEW_COLOURS = 256
_JPEG_QUALITY = 85


def display_size(size: Size, *, enlarge: bool = False) -> Size:
    """Return the size at which a page shows a picture, at most 320 pixels wide and 480 high.

    Args:
        size: Height and width of the picture.
        enlarge: Enlarge a smaller picture, so that what is drawn on it is of the same size on all.

    Examples:
        >>> display_size((960, 1280)), display_size((30, 40)), display_size((30, 40), enlarge=True)
        ((240, 320), (30, 40), (240, 320))
    """
    height, width = size
    scale = min(MAX_WIDTH / width, MAX_HEIGHT / height)
    if scale > 1 and not enlarge:
        return size
    return max(1, round(scale * height)), max(1, round(scale * width))


def shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink a picture to its `display_size`.

    Painted label maps, having few colours, keep their colours exactly.

    Args:
        picture: RGB, (H, W, 3), 8 bits a channel.

    Raises:
        ValueError: The picture has another shape or type.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise ValueError(
            f"Expected `picture` to be (H, W, 3) of uint8, "
            f"but got {picture.shape} of {picture.dtype}."
        )
    height, width = display_size((picture.shape[0], picture.shape[1]))
    image = Image.fromarray(picture)
    how = Image.Resampling.NEAREST if _is_painted(image) else Image.Resampling.LANCZOS
    return np.asarray(image.resize((width, height), how))


def picture_url(picture: NDArray[np.uint8]) -> str:
    """Shrink a picture, as `shrunk`, and return its data URL."""
    return data_url(Image.fromarray(shrunk(picture)))


def data_url(image: Image.Image) -> str:
    """Return a picture as a ``data:`` URL: exactly (PNG) if it has few colours, else as JPEG.

    Args:
        image: RGB picture.
    """
    stream = io.BytesIO()
    painted = _is_painted(image)
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
