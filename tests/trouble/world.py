"""Small world in which commands are troubled: data, photographs, a run, and what they become."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import make_folder

TINY = (
    *("--recipe", "small", "--model.backbone", "test_resnet", "--model.weights", "none"),
    *("--model.dimensions", "8", "--model.train", "network", "--transforms.crop", "32"),
    *("--training.steps", "6", "--training.batch", "2", "--training.checkpoint_every", "2"),
    *("--training.workers", "0", "--classify.steps", "4", "--relabel.enabled", "true"),
    *("--seeds.steps", "4", "--seeds.source", "activations", "--oversegment.regions", "8"),
    *("--data.marks", "[tags]"),
)


@dataclass(frozen=True)
class Case:
    """A command that makes something.

    Args:
        words: The command.
        out: What it makes.
        goes_on: What is added to the command after trouble.
        is_whole: What it makes appears as a whole, so that after trouble it is there or not.
    """

    words: tuple[str, ...]
    out: str
    goes_on: tuple[str, ...] = ()
    is_whole: bool = False


CASES = {
    "import": Case(("import", "marks.zip", "--out", "new"), "new", is_whole=True),
    "import-again": Case(("import", "marks.zip", "--out", "old", "--overwrite"), "old"),
    "oversegment": Case(("oversegment", "data", "--out", "maps"), "maps"),
    "train": Case(("train", "data", "--out", "trained", *TINY), "trained", ("--resume",)),
    "predict": Case(
        ("predict", "run", "photos", "--out", "masks", "--overlay"), "masks", ("--resume",)
    ),
    "export": Case(
        ("predict", "run", "photos", "--out", "coco", "--format", "coco"),
        "coco/instances.json",
        is_whole=True,
    ),
    "export-each": Case(
        ("predict", "run", "photos", "--out", "tool", "--format", "labelme"), "tool", ("--resume",)
    ),
    "label": Case(("label", "run", "data", "--out", "full"), "full", ("--resume",)),
    "evaluate": Case(("evaluate", "run", "data", "--out", "scores.json"), "scores.json"),
    "evaluate-masks": Case(("evaluate", "answers", "data", "--out", "scores.json"), "scores.json"),
    "inspect": Case(("inspect", "data", "--out", "pages", "--min_images", "1"), "pages"),
    "simulate": Case(
        ("simulate", "data", "--out", "weak", "--kinds=[points]"), "weak", is_whole=True
    ),
}

_VARYING = ("events.out.tfevents", "last.ckpt")  # they hold times


def make_world(root: Path, succeed: Callable[[list[str]], None]) -> None:
    """Make the world; `succeed` runs a command in it."""
    make_folder(root / "data", images=8)
    shutil.copytree(root / "data" / "images", root / "photos")
    (root / "tmp").mkdir()
    (root / "answers").mkdir()
    for name in (root / "data" / "splits" / "val.txt").read_text().split():
        shutil.copy(root / "data" / "masks" / f"{name}.png", root / "answers")
    with zipfile.ZipFile(root / "marks.zip", "w") as archive:
        archive.writestr("instances.json", json.dumps(_coco(root)))
        for path in sorted((root / "photos").iterdir()):
            archive.write(path, f"images/{path.name}")
    succeed(["import", "data", "--out", "old"])
    succeed(["train", "data", "--out", "run", *TINY])
    shutil.rmtree(root / "data" / ".weakseg")


def _coco(root: Path) -> dict[str, object]:
    names = sorted(path.name for path in (root / "photos").iterdir())
    return {
        "images": [
            {"id": number, "file_name": name, "width": 64, "height": 48}
            for number, name in enumerate(names)
        ],
        "categories": [{"id": 1, "name": "square"}, {"id": 2, "name": "bar"}],
        "annotations": [
            {
                "id": number,
                "image_id": number,
                "category_id": 1 + number % 2,
                "bbox": [20, 10, 20, 20],
                "segmentation": [[20, 10, 40, 10, 40, 30, 20, 30]],
                "iscrowd": 0,
                "area": 400,
            }
            for number in range(len(names))
        ],
    }


def copy_world(world: Path, place: Path) -> Path:
    """Copy the world to a place where commands may be troubled."""
    shutil.copytree(world, place, dirs_exist_ok=True)
    return place


def digest(path: Path) -> dict[str, str]:
    """Return a hash of each file, but for what no two runs share: times."""
    if not path.exists():
        return {}
    files = [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]
    return {
        file.relative_to(path.parent).as_posix(): hashlib.sha256(_content(file)).hexdigest()
        for file in files
        if not file.name.startswith(_VARYING)
        and file.suffix != ".begun"
        and ".weakseg" not in file.parts
    }


def inputs(root: Path, case: Case) -> dict[str, str]:
    """Return a hash of each file that a command only reads."""
    top = case.out.partition("/")[0]
    names = [
        name for name in ("data", "photos", "answers", "marks.zip", "run", "old") if name != top
    ]
    return {key: value for name in names for key, value in digest(root / name).items()}


def leftovers(root: Path) -> list[str]:
    """List what a command should not leave: parts, locks, temporary files."""
    return [
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if ".part" in path.name
        or path.name in {".weakseg.lock", ".old.old", ".new.old"}
        or path.parent == root / "tmp"
    ]


def _content(file: Path) -> bytes:
    if file.name == "report.html":
        return re.sub(rb"\b[\d.,]+ (s|min|h)\b", b"time", file.read_bytes())
    if file.name != "log.csv":
        return file.read_bytes()
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    for row in rows:
        row.pop("seconds", None)
    return json.dumps(rows).encode()
