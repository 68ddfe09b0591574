"""Time spans as text."""

from __future__ import annotations

NOTHING = "–"
"""Shown where there is no number."""


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
