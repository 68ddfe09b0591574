"""Folder of one stage of a run: its files, and whether they are complete and up to date."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from weakseg.datasets.records import Record
from weakseg.recipes.run_folder import Inside, RunFolder, TrainingFolder
from weakseg.support.files import replacing
from weakseg.support.inside import inside
from weakseg.support.machine import is_first_process
from weakseg.training.processes import split_among_processes

_log = logging.getLogger("weakseg")


@dataclass(frozen=True)
class StageFolder(TrainingFolder):
    """The folder of one stage. `stage.json` keeps the stage's key and, once done, its files.

    Args:
        root: The folder.
        key: Hash of everything that the stage depends on.
    """

    key: str = ""
    model = Inside("model.safetensors")  # the network that the stage trains

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.root.name

    def maps(self, record: Record) -> Path:
        """Return the file of an image's activation maps."""
        return inside(self.root / "maps", record.name, ".npz")

    def labels(self, record: Record) -> Path:
        """Return the file of an image's pseudo-labels."""
        return inside(self.root / "labels", record.name, ".png")

    def labelled(
        self, records: Sequence[Record], some: Sequence[Record] | None = None
    ) -> list[Record]:
        """Return records, some or by default all of them with the pseudo-labels of this stage."""
        names = {record.name for record in (records if some is None else some)}
        return [
            replace(record, pseudo_labels=self.labels(record)) if record.name in names else record
            for record in records
        ]

    def prepare(self) -> None:
        """Make the folder ready: keep files of the same key, and remove others."""
        if not is_first_process():
            return
        if self.is_stale():
            _log.info("stage %s was made with other data or settings; it runs again", self.name)
            shutil.rmtree(self.root)
        if self._state().get("key") != self.key:
            self._write({"key": self.key})

    def is_stale(self) -> bool:
        """Return whether the files there are of another key."""
        return self._state().get("key") not in (None, self.key)

    def is_complete(self) -> bool:
        """Return whether the stage is done and its files are all there, at their full size."""
        state = self._state()
        files = state.get("files")
        if state.get("key") != self.key or files is None:
            return False
        damaged = [name for name in files if not self._is_whole(self.root / name, files)]
        if damaged and is_first_process():
            _log.warning(
                "stage %s: %d of its files are gone or cut short (the first: %s); made again",
                self.name,
                len(damaged),
                damaged[0],
            )
        return not damaged

    def missing(self, paths: Iterable[Path]) -> set[Path]:
        """Return the files that are still to be made; files appear only once they are whole."""
        files: dict[str, int] = self._state().get("files") or {}
        return {path for path in paths if not self._is_whole(path, files)}

    def lacking(self, records: Sequence[Record], path: Callable[[Record], Path]) -> list[Record]:
        """Return this process's part of the records whose file is still to be made."""
        missing = self.missing(map(path, records))
        return [record for record in split_among_processes(records) if path(record) in missing]

    def finish(self, paths: Iterable[Path], **notes: Any) -> None:
        """Write `stage.json` of a stage that is done.

        Args:
            paths: Files that the stage leaves, inside its folder.
            **notes: More to keep, such as the quality of labels.
        """
        if is_first_process():
            files = {str(p.relative_to(self.root)): p.stat().st_size for p in sorted(paths)}
            self._write({"key": self.key, **notes, "files": files})

    def note(self, name: str) -> Any:
        """Return what `finish` kept under a name; none where there is nothing."""
        return self._state().get(name)

    def _is_whole(self, path: Path, files: Mapping[str, int]) -> bool:
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


def stage_folder(run: RunFolder, name: str, *depends: object) -> StageFolder:
    """Return the folder of a stage.

    Args:
        run: The run.
        name: Name of the stage.
        *depends: All that its outcome depends on; their texts are hashed.
    """
    text = "\n".join(map(str, depends))
    return StageFolder(run.stages / name, hashlib.sha256(text.encode()).hexdigest()[:16])
