"""Numbers, durations and foreign text, formatted alike on pages and in the terminal."""

from __future__ import annotations

import math

NOTHING = "–"
"""Shown where there is no number."""


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


def duration(seconds: float | None) -> str:
    """Format a time span in the two largest units that it fills.

    Examples:
        >>> duration(7.4), duration(192), duration(7384), duration(None)
        ('7 s', '3 min 12 s', '2 h 03 min', '–')
    """
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def one_line(text: str) -> str:
    r"""Replace every unprintable character of foreign text by a blank.

    Examples:
        >>> one_line("a\tb\x1b[31m")
        'a b [31m'
    """
    return "".join(letter if letter.isprintable() else " " for letter in text)
