"""The console that all commands print to: text out of files moves no cursor and sets no colour."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

# Control characters but for the end of a line and tab, characters that turn the direction of what
# follows, and halves of characters, which no terminal can show.
_CONTROLS = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def without_controls(text: str) -> str:
    r"""Replace each character of a text that controls a terminal by "�".

    Examples:
        >>> without_controls("cat\x1b[2J, dog\n")
        'cat�[2J, dog\n'
    """
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


class Terminal(Console):
    """Console that prints no control characters but its own, and breaks no lines to fit.

    Args:
        **options: Those of `rich.console.Console`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"soft_wrap": True, "highlight": False} | options))

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as text, style and the console's own controls."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(without_controls(segment.text), segment.style)
