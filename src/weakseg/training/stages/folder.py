"""What a stage has left in the run, and whether it is complete and up to date."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakseg.datasets.records import Record
from weakseg.marks.kinds import Marks
from weakseg.recipes.run_folder import RunFolder, TrainingFolder
from weakseg.support.files import replacing
from weakseg.support.machine import is_first_process

_log = logging.getLogger("weakseg")


@dataclass(frozen=True)
class Stage(TrainingFolder):
    """The folder of one stage. `stage.json` says what it was made from and, once done, its files.

    Args:
        root: The folder.
        key: Names everything that the stage depends on.
    """

    key: str = ""

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.root.name

    def open(self) -> None:
        """Keep what was made from the same things, and remove the rest."""
        if not is_first_process():
            return
        if self.is_stale():
            _log.info("stage %s was made from other things; it is made anew", self.name)
            shutil.rmtree(self.root)
        if self._state().get("key") != self.key:
            self._write({"key": self.key})

    def is_stale(self) -> bool:
        """Tell whether what is there was made from other things."""
        return self._state().get("key") not in (None, self.key)

    def is_complete(self) -> bool:
        """Tell whether every file that the stage left is there, at its full size."""
        state = self._state()
        files = state.get("files")
        if state.get("key") != self.key or files is None:
            return False
        damaged = [name for name in files if not self._whole(self.root / name, files)]
        if damaged and is_first_process():
            _log.warning(
                "stage %s: %d of its files are gone or cut short (the first: %s); made anew",
                self.name,
                len(damaged),
                damaged[0],
            )
        return not damaged

    def missing(self, paths: Iterable[Path]) -> set[Path]:
        """Give the files that are still to be made; files appear only once they are whole."""
        files: dict[str, int] = self._state().get("files") or {}
        return {path for path in paths if not self._whole(path, files)}

    def finish(self, paths: Iterable[Path], **found: Any) -> None:
        """Write down that the stage is done.

        Args:
            paths: Files that the stage leaves, inside its folder.
            **found: What else is worth keeping, such as the quality of labels.
        """
        if is_first_process():
            files = {str(p.relative_to(self.root)): p.stat().st_size for p in sorted(paths)}
            self._write({"key": self.key, **found, "files": files})

    def found(self, name: str) -> Any:
        """Give what `finish` kept under a name; none where there is nothing."""
        return self._state().get(name)

    def _whole(self, path: Path, files: Mapping[str, int]) -> bool:
        if not path.is_file():
            return False
        size = files.get(str(path.relative_to(self.root)))
        return size is None or path.stat().st_size == size

    def _state(self) -> dict[str, Any]:
        try:
            state = json.loads((self.root / "stage.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write(self, state: Mapping[str, Any]) -> None:
        with replacing(self.root / "stage.json") as beside:
            beside.write_text(json.dumps(state, indent=1), encoding="utf-8")


def stage_of(run: RunFolder, name: str, *depends: object) -> Stage:
    """Find the folder of a stage.

    Args:
        run: The run.
        name: Name of the stage.
        *depends: All that its outcome depends on; their texts are compared.
    """
    said = "\n".join(map(str, depends))
    return Stage(run.stages / name, hashlib.sha256(said.encode()).hexdigest()[:16])


def describe(records: Sequence[Record]) -> str:
    """Name images and marks by what is in them, so that a copied data folder counts as the same."""
    lines = (
        f"{record.name} {record.image.stat().st_size} {_marks(record.marks)}" for record in records
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _marks(marks: Marks) -> str:
    files = [path for path in (marks.scribbles, marks.mask) if path is not None]
    sizes = [path.stat().st_size for path in files]
    drawn = {key: value for key, value in vars(marks).items() if not isinstance(value, Path)}
    tags = sorted(drawn.pop("tags"))
    return f"{tags} {sorted(drawn.items())} {sizes}"
