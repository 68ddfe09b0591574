"""Writer of data folders: image by image, complete or not at all."""

from __future__ import annotations

import csv
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from weakseg.images.names import name_fault
from weakseg.images.writing import write_jpeg
from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import LabelMap, write_label_map
from weakseg.support.errors import DataError, RunError
from weakseg.support.inside import inside
from weakseg.support.new_folders import new_folder
from weakseg.support.parts import is_temporary

_log = logging.getLogger(__name__)

Picture = Path | bytes | NDArray[np.uint8]

_NO_MARKS = Marks()

_TABLES = {
    "tags": ("image", "class"),
    "boxes": ("image", "class", "xmin", "ymin", "xmax", "ymax", "instance"),
    "points": ("image", "class", "x", "y", "instance"),
}


class DataFolderWriter:
    """Writer of the images and marks of a data folder as they come; see `writing_data_folder`.

    Args:
        root: The folder being filled.
        class_names: Names of classes by id. The list may grow until `finish`.
        final: The folder whose place it will take.
    """

    def __init__(
        self, root: Path, class_names: Sequence[str], *, final: Path | None = None
    ) -> None:
        self.root = root
        self._final = final
        self._class_names = class_names
        self._files: dict[str, IO[str]] = {}
        # Of each file: with quotes where they are needed, and everywhere.
        self._writers: dict[str, tuple[Any, Any]] = {}
        self._packer = _Packer()
        self._folders: set[Path] = set()
        self._has_copied = False  # an image that was to be linked
        self.images = 0

    def add(
        self,
        name: str,
        picture: Picture,
        marks: Marks = _NO_MARKS,
        *,
        scribbles: LabelMap | None = None,
        mask: LabelMap | None = None,
        link: bool = False,
    ) -> None:
        """Write one image with its marks.

        Args:
            name: Path inside the folder, without the ending.
            picture: An image file, the bytes of one, or a picture (H, W, 3) to be compressed.
            marks: Its tags, boxes and points; others are drawn into the label maps.
            scribbles: Label map of scribbles, (H, W), which must stay as it is from now on.
            mask: Label map of the full mask, (H, W), likewise.
            link: Link to an image file instead of copying it.

        Raises:
            DataError: The name cannot stand in lists and tables.
            RunError: A label map, perhaps of the image before, cannot be written.
        """
        fault = name_fault(name)
        if fault:
            raise DataError(fault, path=picture if isinstance(picture, Path) else None)
        self._put_picture(name, picture, link=link)
        for class_id in sorted(marks.tags):
            self._row("tags", name, class_id)
        for box in marks.boxes:
            edges = (box.xmin, box.ymin, box.xmax, box.ymax)
            self._row("boxes", name, box.class_id, *edges, instance=box.instance)
        for point in marks.points:
            self._row("points", name, point.class_id, point.x, point.y, instance=point.instance)
        for folder, labels in (("scribbles", scribbles), ("masks", mask)):
            if labels is not None:
                self._packer.write(inside(self.root / folder, name, ".png"), labels)
        self.images += 1

    def finish(
        self, splits: Mapping[str, Sequence[str]], *, options: dict[str, Any] | None = None
    ) -> None:
        """Write the splits, the classes and the options, which are known only at the end.

        Args:
            splits: Names of images by split.
            options: Content of the folder's data.yaml; without any, none is written.
        """
        for split, names in splits.items():
            _write_lines(inside(self.root / "splits", split, ".txt"), names)
        _write_lines(self.root / "classes.txt", self._class_names)
        if options:
            text = yaml.safe_dump(options, sort_keys=False)
            (self.root / "data.yaml").write_text(text, encoding="utf-8")

    def close(self) -> None:
        """Wait for the last label map, and close the tables.

        Raises:
            RunError: The label map cannot be written.
            OSError: The end of a table cannot be written.
        """
        self._packer.wait()
        for file in self._files.values():
            file.close()

    def release(self) -> None:
        """Close all, whether it is whole or not."""
        self._packer.stop()
        for file in self._files.values():
            with suppress(OSError):  # on a full disk; the error that counts is under way
                file.close()

    def _put_picture(self, name: str, picture: Picture, *, link: bool) -> None:
        if isinstance(picture, Path):
            path = self._image_path(name, picture.suffix)
            if link and not is_temporary(picture):
                path.symlink_to(self._lasting(picture))
                return
            if link and not self._has_copied:
                self._has_copied = True
                _log.info("--link: images out of a zip are copied, for they go when it is read")
            shutil.copyfile(picture, path)
            return
        if isinstance(picture, bytes):
            suffix = ".png" if picture[:4] == b"\x89PNG" else ".jpg"
            self._image_path(name, suffix).write_bytes(picture)
        else:
            write_jpeg(self._image_path(name, ".jpg"), picture, quality=95)

    def _lasting(self, picture: Path) -> Path:
        """Return where a picture is, unless it goes with the folder that is replaced."""
        where = picture.resolve()
        if self._final is not None and where.is_relative_to(self._final.resolve()):
            raise RunError(
                f"{picture}: is inside {self._final}, which is replaced, so it cannot be linked "
                "to. Choose another --out, or leave out --link."
            )
        return where

    def _image_path(self, name: str, suffix: str) -> Path:
        path = inside(self.root / "images", name, suffix)
        if path.parent not in self._folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(path.parent)
        return path

    def _row(
        self, table: str, name: str, class_id: int, *numbers: float, instance: int | None = None
    ) -> None:
        if table not in self._files:
            path = self.root / f"{table}.csv"
            file = self._files[table] = path.open("w", newline="", encoding="utf-8")
            self._writers[table] = (
                csv.writer(file, lineterminator="\n"),
                csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL),
            )
            self._writers[table][0].writerow(_TABLES[table])
        row: list[Any] = [
            name,
            self._class_names[class_id],
            *(f"{value:.10g}" for value in numbers),
        ]
        if table != "tags":
            row.append("" if instance is None else instance)
        # Readers take space around what is not quoted for layout.
        spaced = row[0] != row[0].strip() or row[1] != row[1].strip()
        self._writers[table][spaced].writerow(row)


class _Packer:
    """Writes label maps in a thread, each while the caller is about the next image.

    Packing a label map takes as long as reading and drawing its marks, and another core can do it.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "weakseg-packer")
        self._last: Future[None] | None = None

    def write(self, path: Path, labels: LabelMap) -> None:
        """Begin to write a label map, once the one before is written."""
        self.wait()
        self._last = self._pool.submit(write_label_map, path, labels)

    def wait(self) -> None:
        """Wait until all is written.

        Raises:
            RunError: It cannot be written.
        """
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def stop(self) -> None:
        """End the thread, after the label map that it is at."""
        self._pool.shutdown()


@contextmanager
def writing_data_folder(
    root: Path, class_names: Sequence[str], *, overwrite: bool = False
) -> Iterator[DataFolderWriter]:
    """Open a writer whose folder appears, under its name, once the block ends without an error.

    Args:
        root: The folder to make.
        class_names: Names of classes by id; the list may grow inside the block.
        overwrite: Replace a data folder that weakseg wrote and nobody changed.

    Yields:
        The writer.

    Raises:
        RunError: There is something at this path already, or the folder cannot be written.
    """
    with new_folder(root, "weakseg import", overwrite=overwrite) as building:
        writer = DataFolderWriter(building, class_names, final=root)
        try:
            (building / "images").mkdir()
            yield writer
            writer.close()
        finally:
            writer.release()


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
