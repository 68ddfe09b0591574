"""How commands end that are killed, terminated, interrupted or without space on the disk.

    python -m benchmarks.trouble [--moments 20] [--commands import train ...] [--seed 0]

Run it in the repository. Each command is stopped at random moments by SIGKILL, SIGTERM and Ctrl-C,
and run on disks that are full after 0 bytes to 1 MB of a file; then it is run again, and what it
makes is compared byte by byte with what it makes without trouble. Prints a table in Markdown:
troubles made, and after how many of them something was lost, something was left behind, or the exit
code or message was not as documented. What was wrong is listed below it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rich.console import Console
from tests.trouble.processes import run, start
from tests.trouble.trials import CODES, SIZES, Faults, starved, stopped
from tests.trouble.world import CASES, Case, copy_world, digest, make_world

from weakseg.support.machine import machine_name
from weakseg.support.progress import progress

_COLUMNS = ("loss", "leftover", "ending")
_HEADINGS = ("command", "troubles", "lost", "left behind", "wrong exit or message")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moments", type=int, default=20, help="for each command and signal")
    parser.add_argument("--commands", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    out, counts, wrong = Console(soft_wrap=True, highlight=False), Counter[tuple[str, str]](), []
    with tempfile.TemporaryDirectory() as name:
        world = Path(name, "world")
        world.mkdir()
        make_world(world, partial(_succeed, world))
        for command in options.commands:
            moments = random.Random(f"{options.seed} {command}")
            for what, faults in _troubles(world, CASES[command], options.moments, moments):
                counts[command, "troubles"] += 1
                counts.update((command, column) for column in _COLUMNS if getattr(faults, column))
                if faults:
                    wrong.append(f"{command}, {what}: {faults}")
    out.print(machine_name())
    out.print("\n" + _row(_HEADINGS) + "\n" + "|".join(["", "---", *["---:"] * 4, ""]))
    for command in [*options.commands, "all"]:
        names = options.commands if command == "all" else [command]
        cells = [sum(counts[item, key] for item in names) for key in ("troubles", *_COLUMNS)]
        out.print(_row([command, *map(str, cells)]))
    for line in wrong:
        out.print(f"\n{line}", markup=False)


def _troubles(
    world: Path, case: Case, number: int, moments: random.Random
) -> Iterator[tuple[str, Faults]]:
    """Make the troubles of a command; yield what each was and what went wrong."""
    parent = world.parent
    expected, seconds = _untroubled(copy_world(world, parent / "untroubled"), case)
    shutil.rmtree(parent / "untroubled")
    trials = [
        (f"{signal.name} after {delay:.3f} s", partial(stopped, number=signal, delay=delay))
        for signal in CODES
        for delay in (moments.uniform(0, 1.05 * seconds) for _ in range(number))
    ] + [(f"disk full after {size} bytes", partial(starved, size=size)) for size in SIZES]
    for what, trial in progress(trials, " ".join(case.words[:2]), len(trials)):
        place = copy_world(world, parent / "place")
        yield what, trial(place, case, expected=expected)
        shutil.rmtree(place)


def _untroubled(place: Path, case: Case) -> tuple[dict[str, str], float]:
    """Run a command without trouble; return what it makes, and its seconds."""
    running = start(case.words, place)
    running.wait_for_begin()
    code, seconds = running.wait()
    assert code == 0, running.text
    return digest(place / case.out), seconds


def _succeed(world: Path, words: list[str]) -> None:
    code, text = run(words, world)
    assert code == 0, text


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
