"""Numbers, durations and foreign text, formatted alike on pages and in the terminal."""

from __future__ import annotations

import math

from weakseg.support.durations import NOTHING


def percent(fraction: float, *, unit: bool = False) -> str:
    """Format a fraction as percent with one decimal, NaN as a dash.

    Args:
        fraction: 0 to 1.
        unit: Append the percent sign, where no heading has it.

    Examples:
        >>> percent(0.7128), percent(0.7128, unit=True), percent(float("nan"))
        ('71.3', '71.3%', '–')
    """
    return NOTHING if math.isnan(fraction) else f"{100 * fraction:.1f}" + "%" * unit


def one_line(text: str) -> str:
    r"""Replace every unprintable character of foreign text by a blank.

    Examples:
        >>> one_line("a\tb\x1b[31m")
        'a b [31m'
    """
    return "".join(letter if letter.isprintable() else " " for letter in text)
