"""Complaints of the argument parser in plain words, and the new names of renamed keys."""

from __future__ import annotations

import ast
import re

from weakseg.support.wording import shortened

RENAMED = {"relabel.least": "relabel.min_peak"}
"""Keys that had another name, with the one that they have now."""

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "list": "a list in brackets",
    "tuple": "a list in brackets",
}
_LONGEST = 1000  # characters of a complaint
_KEY = r'Parser key "(?P<key>[^"]+)": '
_FORMS = (
    _KEY + r"Expected a (?P<type>.+?)\. Got value: (?P<value>.*)",
    _KEY + r"Does not validate .*? - Expected a (?P<type>.+?) - .*Given value: (?P<value>.*)",
    _KEY + r"Not of (?P<type>type NonNegativeInt): (?P<value>\S+) does not conform.*",
    _KEY + r"Not of (?P<type>type NonNegativeInt): invalid literal .*: '(?P<value>.*)'",
)


def plain_message(message: str, *, prefix: str = "") -> str:
    r"""Translate a complaint of the argument parser, and add the new name of a renamed flag.

    Args:
        message: The complaint.
        prefix: What stands before a key where it is typed, as "--".

    Examples:
        >>> plain_message('Parser key "seed":\n  Expected a <class \'int\'>. Got value: x')
        'seed: expected a whole number, but got x'
        >>> complaint = "Parser key \"crf\":\n  Expected a typing.Literal['a', 'b']. Got value: c"
        >>> plain_message(complaint, prefix="--")
        '--crf: expected a or b, but got c'
    """
    text = " ".join(message.split())
    for form in _FORMS:
        text = re.sub(form, lambda match: _complaint(match, prefix), text)
    renamed = [f"; --{key} is called --{RENAMED[key]} now" for key in RENAMED if f"--{key}" in text]
    return shortened(text, _LONGEST) + "".join(renamed)


def _complaint(match: re.Match[str], prefix: str) -> str:
    wanted, value = _wanted(match["type"]), shortened(match["value"])
    return f"{prefix}{match['key']}: expected {wanted}, but got {value}"


def _wanted(kind: str) -> str:
    """Name a type in words.

    Examples:
        >>> _wanted("typing.Literal[8, 16]"), _wanted("<class 'bool'>"), _wanted("'float'")
        ('8 or 16', 'true or false', 'a number')
    """
    if kind == "type NonNegativeInt":
        return "a whole number of at least 0"
    choices = re.fullmatch(r"typing\.Literal(\[.*\])", kind)
    if choices:
        *others, last = map(str, ast.literal_eval(choices[1]))
        return f"{', '.join(others)} or {last}" if others else last
    named = re.fullmatch(r"(?:<class )?'(\w+)'>?", kind)
    count = re.fullmatch(r"tuple with (\d+) elements", kind)
    if count:
        return f"a list of {count[1]} values in brackets"
    return _KINDS.get(named[1], f"a value of type {named[1]}") if named else kind
