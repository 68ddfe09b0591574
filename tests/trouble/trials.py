"""One trouble: a command is stopped or starved, is run again, and what went wrong is noted."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.trouble.processes import Setting, run, start
from tests.trouble.world import Case, digest, inputs, leftovers

CODES = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
"""Exit codes of commands that a signal stops."""

SIZES = [0, 100, 300, 600, 1_000, 3_000, 10_000, 30_000, 100_000, 1_000_000]
"""Bytes that a file may have on a full disk."""


@dataclass
class Faults:
    """What went wrong in a trouble, in words; nothing should.

    Attributes:
        loss: The command run again does not end as one that had no trouble, or an input changed.
        leftover: A file or a process is left.
        ending: The exit code is another than documented, or there is no message for people.
    """

    loss: str = ""
    leftover: str = ""
    ending: str = ""

    def __bool__(self) -> bool:
        return bool(self.loss or self.leftover or self.ending)


def stopped(place: Path, case: Case, number: int, delay: float, expected: dict[str, str]) -> Faults:
    """Send a signal to a command after some seconds, and run it again."""
    before, faults = inputs(place, case), Faults()
    running = start(case.words, place)
    running.wait_for_begin()
    running.process.join(delay)
    running.send(number)
    try:
        code, _ = running.wait()
    except AssertionError as error:
        return Faults(ending=str(error))
    if code == -number and number != signal.SIGKILL:
        if digest(place / case.out) != expected:  # else, all was done already
            faults.ending = "ended without a word"
    elif code not in (CODES[signal.Signals(number)], 0) or _is_for_nobody(running.text):
        faults.ending = f"exit code {code}: {running.text}"
    if running.survivors():
        faults.leftover = "processes are left"
    _go_on(place, case, expected, before, faults)
    return faults


def starved(place: Path, case: Case, size: int, expected: dict[str, str]) -> Faults:
    """Run a command on a disk that is full after some bytes of a file, and again on another."""
    before, faults = inputs(place, case), Faults()
    code, text = run(case.words, place, Setting(max_file=size))
    is_said = re.search("cannot be written|disk is full|fills the disk", text) is not None
    if code not in (0, 1) or _is_for_nobody(text) or (code == 1 and not is_said):
        faults.ending = f"exit code {code}: {text}"
    if left := leftovers(place):
        faults.leftover = f"{left} after {size} bytes"
    _go_on(place, case, expected, before, faults)
    return faults


def _is_for_nobody(text: str) -> bool:
    return "Traceback" in text or "bug of weakseg" in text


def _go_on(
    place: Path, case: Case, expected: dict[str, str], before: dict[str, str], faults: Faults
) -> None:
    """Run a command again, and compare what it makes with that of one without trouble."""
    if not (case.is_whole and (place / case.out).exists()):
        code, text = run([*case.words, *case.goes_on], place)
        if code:
            faults.loss = f"cannot go on: exit code {code}: {text}"
            return
    made = digest(place / case.out)
    if made != expected:
        others = [key for key in made | expected if made.get(key) != expected.get(key)]
        faults.loss = f"other files than without trouble: {others}"
    elif inputs(place, case) != before:
        faults.loss = "inputs have changed"
    if left := leftovers(place):
        faults.leftover = str(left)
