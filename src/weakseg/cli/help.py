"""Layout of the help texts."""

from __future__ import annotations

from argparse import SUPPRESS, Action
from typing import Any

from jsonargparse import DefaultHelpFormatter


class HelpFormatter(DefaultHelpFormatter):
    """Help with the default of an option, as it is typed, and without Python's names of types."""

    def _get_help_string(self, action: Action) -> str:
        text = action.help or ""
        if not action.option_strings or action.nargs == 0:
            return text
        default = as_typed(action.default)
        return f"{text} (default: {default})" if default else text


def as_typed(value: Any) -> str:
    """Write a value as it is typed on the command line; "" for one that is empty.

    Examples:
        >>> as_typed(("tags", "boxes")), as_typed(False), as_typed(0.5), as_typed(None)
        ('[tags,boxes]', 'false', '0.5', '')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple) and value:
        return f"[{','.join(map(as_typed, value))}]"
    return "" if value is None or value in ("", SUPPRESS, [], (), {}) else str(value)
