"""`weakseg.label`: full masks for the images of which people have marked a part."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from weakseg.api.label_notes import NOTES_FILE, Review, noting, read_notes
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.records import Record, fingerprint
from weakseg.datasets.survey import survey
from weakseg.formats.exports import (
    RESUMABLE,
    MaskFormat,
    PngColours,
    check_format,
    check_targets,
    export_masks,
    export_paths,
    missing_masks,
    overlay_path,
    write_overlay,
)
from weakseg.inference import Segmenter
from weakseg.inference.labelling import LabelledImage, label_images
from weakseg.marks.classes import ClassList
from weakseg.marks.label_maps import LabelMap
from weakseg.recipes.merging import as_tree
from weakseg.recipes.options import DataOptions, resolve_data
from weakseg.recipes.recipe import DataConfig
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.contents import content_stamp
from weakseg.support.errors import DataError, RunError
from weakseg.support.files import replacing
from weakseg.support.inside import inside
from weakseg.support.locks import writing_in
from weakseg.support.progress import progress
from weakseg.support.wording import counted

_log = logging.getLogger("weakseg")

Note = Callable[[Review], None]


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
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    **options: Any,
) -> Labelled:
    """Label images all over, bound by the marks that they have.

    A marked pixel keeps its class or stays void, a class that no mark of an image names does not
    appear in it, and a class with boxes stays inside them unless it is marked outside too. Images
    without a mark are labelled freely. Beside the masks, confidence.csv lists the images, the
    least confident first, with the named classes that no pixel got, and whether all, some or none
    of the pixels were marked.

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
        resume: Keep the masks that a stopped call with the same settings made, and make the others.
        overwrite: Replace existing masks.
        device: A torch device, or auto.
        **options: Fields of InferenceConfig, such as ``labels="classifier"``.

    Returns:
        The files, and which of them to review.

    Raises:
        DataError: A file cannot be read, a mark does not fit, or the data's classes are not those
            of the run.
        RunError: A mask exists already, the run is incomplete, or there is nothing to resume: the
            masks that are there were made with other settings, or by something else.
    """
    check_format(format, png)
    if resume and overwrite:
        raise RunError("--resume and --overwrite exclude each other: choose one.")
    source, records, classes = _open_records(data, split, config, run)
    source.layout.check_apart(Path(out))
    names = [record.name for record in records]
    output = _Output(Path(out), classes, format, confidence=confidence, overlay=overlay)
    with writing_in(output.folder, "weakseg label"):
        files = output.claim(names, overwrite=overwrite, resume=resume)
        if not (resume and output.is_finished(names)):
            segmenter = Segmenter.load(run, device=device, **options)
            segmenter.network.keep_features(source.feature_cache, source.config.feature_budget)
            survey(records, classes, source.config)  # better found now than half-way
            settings = _settings(run, segmenter, source.config, split, format, png)
            left = output.left_to_do(records, settings) if resume else records
            with output.noting(settings) as note:
                made = label_images(segmenter, left, source.config)
                masks = output.pass_on(progress(made, "Labelling", len(left)), note)
                export_masks(
                    masks,
                    output.folder,
                    classes,
                    format,
                    prefix=prefix,
                    confidence=output.confidence,
                    png=png,
                )
            output.finish()
    done = output.result(files)
    _report(done, len(records), source.kinds)
    return done


def _settings(
    run: str | Path,
    segmenter: Segmenter,
    config: DataConfig,
    split: str | None,
    format: MaskFormat,
    png: PngColours,
) -> dict[str, Any]:
    """Return what masks depend on, besides the images and their marks."""
    folder = RunFolder(Path(run))
    files = [path for path in (folder.model, folder.memory) if path.is_file()]
    inference = as_tree(segmenter.config)
    del inference["batch"]  # may be lowered where memory is short
    return {
        "run": [content_stamp(path) for path in files],
        "split": split,
        "format": format,
        "png": png,
        "data.boxes_complete": config.boxes_complete,
        **inference,
    }


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
        self,
        folder: Path,
        classes: ClassList,
        format: MaskFormat,
        *,
        confidence: bool,
        overlay: bool,
    ) -> None:
        self.folder = folder
        self.classes = classes
        self.format: MaskFormat = format
        self.confidence: dict[str, float] = {}
        self._reviews: dict[str, Review] = {}
        self._with_confidence = confidence
        self._with_overlay = overlay
        self._table = folder / "confidence.csv"
        self._notes = folder / NOTES_FILE

    def claim(self, names: Sequence[str], *, overwrite: bool, resume: bool) -> list[Path]:
        """Return the files of masks, if they and those beside them may be written.

        Raises:
            RunError: One exists already, and neither is it to be replaced, nor is there a labelling
                to go on with.
        """
        files = export_paths(names, self.folder, self.format)
        pictures = [self._confidence_path(name) for name in names] if self._with_confidence else []
        overlays = [overlay_path(self.folder, name) for name in names] if self._with_overlay else []
        check_targets(
            [*files, *pictures, *overlays, self._table],
            overwrite=overwrite or resume,
            resumable=self._notes.is_file(),
        )
        return files

    def is_finished(self, names: Sequence[str]) -> bool:
        """Whether a labelling of the same images is done; then its list is read.

        Raises:
            RunError: There are masks that no labelling left which could go on.
        """
        missing = self._missing(names)
        if self._notes.is_file() or (len(missing) == len(names) and not self._table.exists()):
            return False
        reviews = _read_table(self._table) if not missing else {}
        if reviews.keys() != set(names):
            raise RunError(
                f"{self.folder}: holds masks, but no stopped labelling of these images that could "
                "go on. Choose another --out, or replace them with --overwrite."
            )
        _log.info("all masks are there already")
        self._keep(reviews.values())
        return True

    def left_to_do(self, records: Sequence[Record], settings: dict[str, Any]) -> list[Record]:
        """Return the images without a mask, or that have changed since it was made.

        Raises:
            RunError: The masks that are there were made with other settings.
        """
        if not self._notes.is_file():
            return list(records)
        missing = self._missing([record.name for record in records])
        noted = read_notes(self.folder, settings)
        done = {
            record.name: noted[record.name]
            for record in records
            if record.name in noted
            and record.name not in missing
            and noted[record.name].stamp == fingerprint([record])
        }
        _log.info("%d of %d masks are there already", len(done), len(records))
        self._keep(done.values())
        return [record for record in records if record.name not in done]

    def noting(self, settings: dict[str, Any]) -> AbstractContextManager[Note | None]:
        """Open the notes by which a labelling can go on, where each image has files of its own."""
        if self.format not in RESUMABLE:
            return nullcontext()
        return noting(self.folder, settings, self._reviews.values())

    def pass_on(
        self, predictions: Iterator[LabelledImage], note: Note | None
    ) -> Iterator[tuple[str, Path, LabelMap]]:
        """Pass masks on, and note what to review."""
        for made in predictions:
            review = self._review(made, stamped=note is not None)
            self._keep([review])
            if self._with_overlay:
                write_overlay(overlay_path(self.folder, review.image), made.image, made.mask)
            if self._with_confidence:
                grey = (made.confidence * 255).round().clip(0, 255).astype(np.uint8)
                with replacing(self._confidence_path(review.image)) as beside:
                    Image.fromarray(grey).save(beside)
            yield review.image, made.record.image, made.mask
            if note is not None:  # the mask is written when the next one is asked for
                note(review)

    def finish(self) -> None:
        """Write the list of images, the least confident first, and remove the notes."""
        with (
            replacing(self._table) as beside,
            beside.open("w", encoding="utf-8", newline="") as file,
        ):
            table = csv.writer(file)
            table.writerow(["image", "confidence", "missing", "marked"])
            for review in self._in_order():
                marked = "all" if review.is_complete else "some" if review.is_marked else "none"
                missing = "; ".join(review.missing)
                table.writerow([review.image, f"{review.confidence:.4f}", missing, marked])
        self._notes.unlink(missing_ok=True)

    def result(self, files: list[Path]) -> Labelled:
        """Return what was made, and what of it to review."""
        reviews = self._in_order()
        return Labelled(
            files,
            {review.image: review.confidence for review in reviews},
            tuple(review.image for review in reviews if review.is_complete),
            tuple(review.image for review in reviews if not review.is_marked),
            {review.image: review.missing for review in reviews if review.missing},
        )

    def _review(self, made: LabelledImage, *, stamped: bool) -> Review:
        return Review(
            made.record.name,
            float(made.confidence.mean(dtype=np.float64)),
            tuple(self.classes.names[item] for item in made.missing),
            made.is_marked,
            made.is_complete,
            fingerprint([made.record]) if stamped else "",
        )

    def _keep(self, reviews: Iterable[Review]) -> None:
        for review in reviews:
            self._reviews[review.image] = review
            self.confidence[review.image] = review.confidence

    def _in_order(self) -> list[Review]:
        return sorted(self._reviews.values(), key=lambda review: (review.confidence, review.image))

    def _missing(self, names: Sequence[str]) -> set[str]:
        """Return the names of images that lack a file."""
        missing = missing_masks(names, self.folder, self.format, overlay=self._with_overlay)
        if self._with_confidence:
            missing |= {name for name in names if not self._confidence_path(name).is_file()}
        return missing

    def _confidence_path(self, name: str) -> Path:
        return inside(self.folder, name, ".confidence.png")


def _read_table(path: Path) -> dict[str, Review]:
    """Read confidence.csv; where it cannot be read, or is of another kind, it lists nothing."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {
                row["image"]: Review(
                    row["image"],
                    float(row["confidence"]),
                    tuple(filter(None, row["missing"].split("; "))),
                    is_marked=row["marked"] != "none",
                    is_complete=row["marked"] == "all",
                )
                for row in csv.DictReader(file)
            }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error):
        return {}


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
