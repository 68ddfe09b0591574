"""Bits a channel of pictures: images have 8, and others are refused by their type and range."""

from __future__ import annotations

from PIL import Image, TiffImagePlugin

_BITS_PER_SAMPLE, _SAMPLE_FORMAT = 258, 339  # tags of TIFF
_SIGNED, _FLOAT = 2, 3  # sample formats of TIFF
_DEEP_MODES = {"I": 32, "F": 32}
_HIGH_BYTE = 256


def depth_fault(picture: Image.Image) -> str | None:
    """Return why an opened picture is no image of 8 bits a channel, or None if it is one.

    Pillow would cut brighter values off at 255, or keep the high bytes alone.
    """
    bits, kind = _depth(picture)
    if bits <= 8 and kind == "whole":
        return None
    return (
        f"holds {kind} numbers of {bits} bits a channel, from {_range(picture)}, but images are "
        "read with 8 bits, 0 to 255: convert all images to 8 bits by one scale first"
    )


def _depth(picture: Image.Image) -> tuple[int, str]:
    """Return bits a channel, and what kind of numbers they are."""
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        formats = picture.tag_v2.get(_SAMPLE_FORMAT, (1,))
        kind = {_SIGNED: "signed whole", _FLOAT: "floating-point"}.get(max(formats), "whole")
        return max(picture.tag_v2.get(_BITS_PER_SAMPLE, (1,))), kind
    if picture.mode.startswith("I;16") or _is_cut_to_high_bytes(picture):
        return 16, "whole"
    kind = "floating-point" if picture.mode == "F" else "whole"
    return _DEEP_MODES.get(picture.mode, 8), kind


def _is_cut_to_high_bytes(picture: Image.Image) -> bool:
    """Whether Pillow keeps only the high bytes of channels of 16 bits."""
    tiles = getattr(picture, "tile", None) or [(None, None, None, "")]
    details = tiles[0][3]
    raw = details if isinstance(details, str) else str((details or [""])[0])
    # "RGB;16B" has 16 bits a channel; "BGR;16", of BMP, 16 bits a pixel.
    return ";16" in raw and not raw.startswith("BGR")


def _range(picture: Image.Image) -> str:
    cut = picture.mode not in {"F", "I"} and not picture.mode.startswith("I;")
    extrema = picture.getextrema()
    pairs = extrema if isinstance(extrema[0], tuple) else (extrema,)
    lowest, highest = min(low for low, _ in pairs), max(high for _, high in pairs)
    if cut:
        return f"about {lowest * _HIGH_BYTE} to {highest * _HIGH_BYTE + _HIGH_BYTE - 1}"
    return f"{lowest:.6g} to {highest:.6g}"
