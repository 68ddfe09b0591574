"""The order of the rooms: imports between packages go down the list, never up."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import weakseg

SOURCE = Path(weakseg.__file__).parent
REPOSITORY = Path(__file__).parents[1]
ROOMS = (
    "cli",
    "api",
    "report",
    "training",
    "inference",
    "evaluation",
    "inspection",
    "datasets",
    "seeds",
    "oversegments",
    "models",
    "refine",
    "method",
    "recipes",
    "readers",
    "formats",
    "marks",
    "images",
    "support",
)
LARGEST_FRACTION = 0.2  # of all lines, in one room
MOST_ARROWS = 110  # pairs of rooms of which one imports the other
MOST_FILES_AT_THE_ROOT = 4


def room_of(path: Path, source: Path = SOURCE) -> str:
    """Name the room of a module; modules at the package's root are in none."""
    parts = path.relative_to(source).parts
    return parts[0] if len(parts) > 1 else ""


def imported_modules(text: str) -> Iterator[str]:
    """List the modules of weakseg that a module imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "weakseg":
            yield from (f"weakseg.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def climbs(room: str, module: str) -> bool:
    """Whether an import of a module of weakseg from a room goes up, or to the root."""
    package, _, rest = module.partition(".")
    if package != "weakseg":
        return False
    target = rest.partition(".")[0]
    return target not in ROOMS or ROOMS.index(target) < ROOMS.index(room)


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_no_import_climbs(room):
    climbing = [
        f"{path.relative_to(SOURCE)} imports {module}"
        for path in modules()
        if room_of(path) == room
        for module in imported_modules(path.read_text(encoding="utf-8"))
        if climbs(room, module)
    ]
    assert not climbing, "\n".join(climbing)


@pytest.mark.parametrize(
    ("line", "is_refused"),
    [
        ("from weakseg.api.train import train", True),
        ("def late():\n    from weakseg.cli import main", True),
        ("import weakseg.training", True),
        ("from weakseg import Segmenter", True),
        ("from weakseg.support.errors import DataError", False),
        ("from weakseg.inference.tiles import tiles", False),
        ("import torch", False),
    ],
)
def test_a_climbing_import_is_found_wherever_it_stands(line, is_refused):
    assert any(climbs("inference", module) for module in imported_modules(line)) == is_refused


def test_every_folder_is_a_room_and_every_room_a_folder():
    folders = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    assert folders == set(ROOMS)


def test_contributing_shows_the_rooms_in_their_order():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = text.split("## The rooms")[1].split("```")[1]
    assert tuple(re.findall(r"^(\w+)/", shown, flags=re.MULTILINE)) == ROOMS


def test_the_house_stays_easy_to_find_one_s_way_in():
    lines = dict.fromkeys(ROOMS, 0)
    arrows = set()
    at_the_root = [path for path in modules() if not room_of(path)]
    for path in modules():
        text = path.read_text(encoding="utf-8")
        if room := room_of(path):
            lines[room] += text.count("\n")
        targets = {name.split(".")[1] for name in imported_modules(text) if "weakseg." in name}
        arrows |= {(room, target) for target in targets - {room}}
    assert len(arrows) <= MOST_ARROWS
    assert max(lines.values()) <= LARGEST_FRACTION * sum(lines.values()), lines
    assert len(at_the_root) <= MOST_FILES_AT_THE_ROOT
