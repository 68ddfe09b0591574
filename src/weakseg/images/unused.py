"""What a picture file holds beside the colours that are read."""

from __future__ import annotations

from PIL import Image, TiffImagePlugin

_SAMPLES_PER_PIXEL = 277  # tag of TIFF
_OPAQUE = 255


def unused_parts(picture: Image.Image) -> tuple[str, ...]:
    """Name what an opened picture holds and an image's colours do not: transparency, bands, pages.

    Only pictures that may be transparent are decoded. An alpha channel that is opaque throughout
    holds nothing.
    """
    parts = []
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        bands = picture.tag_v2.get(_SAMPLES_PER_PIXEL, 1)
        if bands > len(picture.getbands()):
            parts.append(f"bands beyond the first {len(picture.getbands())} of {bands}")
    pages = _pages(picture)
    if pages > 1:
        parts.append(f"pages beyond the first of {pages}")
    if picture.has_transparency_data and _lowest_alpha(picture) < _OPAQUE:
        parts.append("transparency")
    return tuple(parts)


def _pages(picture: Image.Image) -> int:
    if picture.format == "MPO":  # a camera's photograph with its previews
        return 1
    try:
        return int(getattr(picture, "n_frames", 1))
    except Exception:  # the list of pages is damaged; the first can be read
        return 1


def _lowest_alpha(picture: Image.Image) -> int:
    return int(picture.convert("RGBA").getchannel("A").getextrema()[0])  # type: ignore[arg-type]
