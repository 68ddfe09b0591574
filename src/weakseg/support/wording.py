"""Numbers of things and quoted values in messages."""

from __future__ import annotations


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, in the plural where it is not 1.

    Args:
        count: The number.
        one: The singular, perhaps with the verb that follows.
        many: The plural; by default the singular and an s.

    Examples:
        >>> counted(1, "image"), counted(2, "image"), counted(0, "box is", "boxes are")
        ('1 image', '2 images', '0 boxes are')
    """
    return f"{count} {one if count == 1 else many or one + 's'}"


def shortened(text: str, limit: int = 200) -> str:
    """Return a text, without its middle if it is longer than a limit.

    Args:
        text: The text, as a value out of a file.
        limit: Characters that are kept.

    Examples:
        >>> shortened("a, b, c, d, e, f", 12)
        'a, b, … , f'
    """
    if len(text) <= limit:
        return text
    end = limit // 4
    return f"{text[: limit - end - 3].rstrip()} … {text[-end:].lstrip()}"
