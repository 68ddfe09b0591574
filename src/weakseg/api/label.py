"""`weakseg.label`: full masks for the images of which people have marked a part."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.records import Record
from weakseg.datasets.survey import survey
from weakseg.formats.exports import (
    MaskFormat,
    PngColours,
    check_format,
    check_targets,
    export_masks,
    export_paths,
    overlay_path,
    write_overlay,
)
from weakseg.inference import Segmenter
from weakseg.inference.labelling import LabelledImage, label_images
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap
from weakseg.recipes.options import DataOptions, resolve_data
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.errors import DataError
from weakseg.support.files import replacing
from weakseg.support.inside import inside
from weakseg.support.locks import writing_in
from weakseg.support.progress import progress
from weakseg.support.wording import counted

_log = logging.getLogger("weakseg")


@dataclass(frozen=True)
class Labelled:
    """Result of labelling a data set.

    Args:
        files: The files of masks.
        confidence: Mean confidence of the images' pixels, 0 to 1, by name, the lowest first.
        complete: Names of images whose pixels were all marked.
        unmarked: Names of images without a mark of any class; they were labelled freely.
        missing: Classes that a mark names and no pixel got, by the image's name.
    """

    files: list[Path]
    confidence: dict[str, float]
    complete: tuple[str, ...]
    unmarked: tuple[str, ...]
    missing: dict[str, tuple[str, ...]]


def label(
    run: str | Path,
    data: str | Path,
    out: str | Path = "masks",
    *,
    split: str | None = None,
    config: DataOptions | None = None,
    format: MaskFormat = "png",
    png: PngColours = "palette",
    prefix: str = "",
    confidence: bool = False,
    overlay: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    **options: Any,
) -> Labelled:
    """Label images all over, bound by the marks that they have.

    A marked pixel keeps its class or stays void, a class that no mark of an image names does not
    appear in it, and a class with boxes stays inside them unless it is marked outside too. Images
    without a mark are labelled freely. Beside the masks, confidence.csv lists the images, the
    least confident first, and the named classes that no pixel got.

    Args:
        run: The run folder.
        data: A data folder, a PASCAL VOC folder, or a data.yaml.
        out: Folder of masks, ``<name>.png``, or of an annotation tool's files.
        split: The images to label; by default all of the folder.
        config: Which marks of the data are used, as in ``{"marks": ["points"]}``: keys of `data` in
            a recipe. Those that it leaves out are as in the training, where it is the same data.
        format: png, coco, coco-rle, labelme or label-studio.
        png: Whether PNGs have the class palette or are grey: both hold class ids, but OpenCV and
            others read colours out of a palette.
        prefix: Prefix of the images' names in files of coco and label-studio.
        confidence: Write ``<name>.confidence.png`` beside each mask: the winning class's
            probability as grey, 0 to 255.
        overlay: Write ``<name>.overlay.jpg`` beside each mask: the mask over its image.
        overwrite: Replace existing masks.
        device: A torch device, or auto.
        **options: Fields of InferenceConfig, such as ``labels="classifier"``.

    Returns:
        The files, and which of them to review.

    Raises:
        DataError: A file cannot be read, a mark does not fit, or the data's classes are not those
            of the run.
        RunError: A mask exists already, or the run is incomplete.
    """
    check_format(format, png)
    source, records, classes = _open_records(data, split, config, run)
    source.layout.check_apart(Path(out))
    output = _Output(Path(out), classes, confidence=confidence, overlay=overlay)
    with writing_in(output.folder, "weakseg label"):
        files = output.claim([record.name for record in records], format, overwrite=overwrite)
        segmenter = Segmenter.load(run, device=device, **options)
        segmenter.network.keep_features(source.feature_cache, source.config.feature_budget)
        survey(records, classes, source.config)  # a wrong mark is better found now than half-way
        made = progress(label_images(segmenter, records, source.config), "Labelling", len(records))
        masks, certainty = output.pass_on(made), output.confidence
        export_masks(
            masks, output.folder, classes, format, prefix=prefix, confidence=certainty, png=png
        )
        done = output.finish(files)
    _report(done, len(records), source.kinds)
    return done


def _open_records(
    data: str | Path, split: str | None, config: DataOptions | None, run: str | Path
) -> tuple[DataFolder, list[Record], ClassList]:
    """Return the data folder, its images to label, and the classes, which are those of the run."""
    recipe, classes = RunFolder(Path(run)).read()
    source = DataFolder(resolve_data(data, config, trained_on=recipe.data))
    _check_classes(source.classes, classes, run)
    records = [record for record, _ in source.every()] if split is None else source.split(split)
    source.log_oddities()
    return source, records, classes


class _Output:
    """Writes everything but the masks, and collects what to review, as predictions pass."""

    def __init__(
        self, folder: Path, classes: ClassList, *, confidence: bool, overlay: bool
    ) -> None:
        self.folder = folder
        self.classes = classes
        self.confidence: dict[str, float] = {}
        self._complete: list[str] = []
        self._unmarked: list[str] = []
        self._missing: dict[str, tuple[str, ...]] = {}
        self._with_confidence = confidence
        self._with_overlay = overlay

    def claim(self, names: Sequence[str], format: MaskFormat, *, overwrite: bool) -> list[Path]:
        """Return the files of masks, if they and those beside them may be written.

        Raises:
            RunError: One exists already, and `overwrite` is false.
        """
        files = export_paths(names, self.folder, format)
        pictures = [self._confidence_path(name) for name in names] if self._with_confidence else []
        overlays = [overlay_path(self.folder, name) for name in names] if self._with_overlay else []
        table = self.folder / "confidence.csv"
        check_targets([*files, *pictures, *overlays, table], overwrite=overwrite)
        return files

    def pass_on(self, predictions: Iterator[LabelledImage]) -> Iterator[tuple[str, Path, LabelMap]]:
        """Pass masks on, and note what to review."""
        for made in predictions:
            name = made.record.name
            self.confidence[name] = float(made.confidence.mean(dtype=np.float64))
            if made.missing:
                self._missing[name] = tuple(self.classes.names[item] for item in made.missing)
            if made.is_complete:
                self._complete.append(name)
            if not made.is_marked:
                self._unmarked.append(name)
            if self._with_overlay:
                path = overlay_path(self.folder, name)
                write_overlay(path, made.image, made.mask)
            if self._with_confidence:
                grey = (made.confidence * 255).round().clip(0, 255).astype(np.uint8)
                with replacing(self._confidence_path(name)) as beside:
                    Image.fromarray(grey).save(beside)
            yield name, made.record.image, made.mask

    def finish(self, files: list[Path]) -> Labelled:
        """Write the list of images, the least confident first."""
        order = sorted(self.confidence, key=lambda name: (self.confidence[name], name))
        with (
            replacing(self.folder / "confidence.csv") as beside,
            beside.open("w", encoding="utf-8", newline="") as file,
        ):
            table = csv.writer(file)
            table.writerow(["image", "confidence", "missing"])
            for name in order:
                missing = "; ".join(self._missing.get(name, ()))
                table.writerow([name, f"{self.confidence[name]:.4f}", missing])
        return Labelled(
            files,
            {name: self.confidence[name] for name in order},
            tuple(self._complete),
            tuple(self._unmarked),
            self._missing,
        )

    def _confidence_path(self, name: str) -> Path:
        return inside(self.folder, name, ".confidence.png")


def _check_classes(of_data: ClassList, of_run: ClassList, run: str | Path) -> None:
    if of_data.names == of_run.names:
        return
    ours, theirs = set(of_run.names), set(of_data.names)
    differences = [
        f"{where}: {', '.join(names)}"
        for where, names in (
            ("only the run has", [name for name in of_run.names if name not in theirs]),
            ("only the data has", [name for name in of_data.names if name not in ours]),
        )
        if names
    ]
    raise DataError(
        f"expected the classes of the run {run}, {', '.join(of_run.names)}, but got others ("
        + ("; ".join(differences) or f"in another order: {', '.join(of_data.names)}")
        + ")",
        path=of_data.source,
    )


def _report(done: Labelled, images: int, kinds: Sequence[str]) -> None:
    named = ", ".join(kinds) or "no marks"
    marked = counted(images - len(done.unmarked), "image")
    _log.info("%s labelled, bound by their %s", marked, named)
    for names, text in (
        (done.complete, "marked all over before, so kept: %s (the first: %s)"),
        (done.missing, "a class that marks name got no pixel on %s (the first: %s)"),
    ):
        if names:
            _log.info(text, counted(len(names), "image"), next(iter(names)))
    if done.unmarked:
        _log.warning(
            "%s no mark, so labelled freely (the first: %s)",
            counted(len(done.unmarked), "image has", "images have"),
            done.unmarked[0],
        )
