"""Writing annotated images into a data folder, with the checks of an import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from weakseg.datasets.covered import covered_marks
from weakseg.datasets.splits import no_split_message, stratified_split
from weakseg.datasets.upright import UprightPicture, turn_marks, upright_picture
from weakseg.datasets.writer import DataFolderWriter
from weakseg.formats.source import Annotated
from weakseg.images.orientation import UPRIGHT, turn_array
from weakseg.marks.binary_masks import binary_question
from weakseg.marks.classes import (
    DROPPED,
    ClassList,
    OpenClassList,
    decomposed_message,
    odd_names,
)
from weakseg.marks.clipping import clip_marks
from weakseg.marks.findings import LEFT_OUT, Finding, FindingLog, Oddity, finding_from, refuse
from weakseg.marks.kinds import Marks, Polygon
from weakseg.marks.label_maps import LabelMap, values_in
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.rasterize import AS_MARKED, draw_marks, tags_among
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError, RecipeError
from weakseg.support.inside import check_plain
from weakseg.support.wording import counted

_TOO_THIN = (
    "outlined area is too thin to hold a pixel's centre, and labels nothing",
    "outlined areas are too thin to hold a pixel's centre, and label nothing",
)


class Importer:
    """Writes annotated images into a data folder, and counts what they hold.

    Args:
        writer: Where images and marks go.
        classes: The class list that the readers fill.
        complete: Kinds of marks, boxes or masks, outside of which an image is background.
        link: Link to the images instead of copying them.
        allow_missing: Leave out images that are not found, instead of stopping.
        strict: Stop at a mark that would be left out.
    """

    def __init__(
        self,
        writer: DataFolderWriter,
        classes: OpenClassList,
        *,
        complete: Collection[str],
        link: bool,
        allow_missing: bool,
        strict: bool = False,
    ) -> None:
        self.log = FindingLog()
        self.kinds: Counter[str] = Counter()
        self.has_background = "boxes" in complete
        self._writer = writer
        self._classes = classes
        self._complete = complete
        self._link = link
        self._allow_missing = allow_missing
        self._strict = strict
        self._tags: dict[str, frozenset[int]] = {}
        self._mask_values: set[int] = set()
        self._of_picture: dict[Path, str] = {}
        self._own_splits: dict[str, list[str]] = {}
        self._are_listed = False

    def add(self, item: Annotated) -> None:
        """Write an image with its marks, inside the image and drawn as label maps.

        Raises:
            DataError: The image is missing or cannot be read, a mark is left out that must not, or
                the name of the image or its split leads out of the folder.
        """
        if self._strict:
            refuse(item.findings, LEFT_OUT)
        self.log.note(item.findings)
        for what, name in (("image", item.name), ("split", item.split)):
            check_plain(name or what, f"the {what}", Entry(item.path, item.entry))
        if not item.name:
            self._note("duplicate", "image '' has no name", item)
            return
        fault = self._picture_fault(item)
        if fault or item.picture is None:
            self._miss(item, fault)
            return
        seen = self._seen(item)
        if seen is None:
            return
        self.log.note(seen.findings)
        size = seen.size
        classes = ClassList(tuple(self._classes.names))
        marks, outside = clip_marks(item.marks.without(DROPPED), size, item.path, item.entry)
        self.log.note(outside)
        marks = self._areas_of_void(marks, item)
        self._note_boxes_of_background(marks, item, classes)
        scribbles = self._draw(item, marks.only({"scribbles"}), size, classes)
        mask = self._draw(item, marks.only({"masks"}), size, classes)
        if mask is not None and "masks" in self._complete:
            self._note_covered(covered_marks(marks, scribbles, mask), item)
            mask[mask == UNLABELLED] = 0
        if seen.turn != UPRIGHT:
            marks = turn_marks(marks, seen.turn, size)
            scribbles, mask = (
                None if labels is None else turn_array(labels, seen.turn)
                for labels in (scribbles, mask)
            )
        self._writer.add(
            item.name, seen.picture, marks, scribbles=scribbles, mask=mask, link=self._link
        )
        values = [set() if drawn is None else values_in(drawn) for drawn in (scribbles, mask)]
        self._mask_values |= values[1]
        self._count(item, marks, values[0] | values[1])

    def _note_covered(self, covered: str, item: Annotated) -> None:
        if covered:
            message = f"image {item.name!r}: {covered} on no mask of the image"
            self._note("conflict", f"{message}; --complete masks makes background of it", item)

    def _note_boxes_of_background(self, marks: Marks, item: Annotated, classes: ClassList) -> None:
        boxes = sum(box.class_id == 0 for box in marks.boxes) if classes.has_background else 0
        if boxes:
            count = counted(boxes, "box is", "boxes are")
            self._note(
                "unsure",
                f"image {item.name!r}: {count} of background, where a box marks an object; outline "
                "areas of background, or leave the class out with --drop",
                item,
            )

    def _areas_of_void(self, marks: Marks, item: Annotated) -> Marks:
        """Make areas of boxes of void; points and tags of it, which cover none, are left out."""
        covering = marks.without(VOID)
        areas = [box for box in marks.boxes if box.class_id == VOID]
        points = len(marks.points) - len(covering.points)
        if points:
            count = counted(points, "point of void covers", "points of void cover")
            self._note("unread", f"{count} no area to leave out; not used", item)
        polygons = (Polygon(VOID, (box.ring,), box.instance) for box in areas)
        return replace(
            marks,
            tags=covering.tags,
            boxes=covering.boxes,
            points=covering.points,
            polygons=(*marks.polygons, *polygons),
        )

    def check(self, sources: str) -> None:
        """Refuse an import that holds nothing to train from.

        Raises:
            DataError: There is no image or no class.
            RecipeError: A class to rename or drop is in no file.
        """
        if not self._tags:
            raise DataError(
                "expected images with marks, but found none that can be used", path=sources
            )
        if self._classes.unused:
            raise RecipeError(
                f"class_map, drop: no file holds {', '.join(sorted(self._classes.unused))}; "
                f"the classes are {', '.join(self._classes.names)}"
            )
        if len(self._classes.names) < 2:
            without = any("has no label" in finding.message for finding in self.log.kept)
            hint = "; --class-map =NAME names the class of marks without a label"
            raise DataError(
                f"expected marks of at least one class, but found none{self._left_out()}"
                f"{hint if without else ''}",
                path=sources,
            )
        for name in sorted(self._classes.decomposed):
            self._note("unsure", decomposed_message(name))
        for message in odd_names(self._classes.names):
            self._note("unsure", message)
        question = binary_question(self._mask_values, self._classes.names)
        if question:
            self._note("unsure", question)

    def _left_out(self) -> str:
        """Return the end of a message that names the first of what was left out."""
        if not self.log.kept:
            return ""
        reasons = [finding for finding in self.log.kept if finding.kind != "unmarked"]
        first, count = (reasons or self.log.kept)[0], sum(self.log.counts.values())
        return f" ({counted(count, 'finding')}, the first: {first})"

    def finish(self, fraction: float | None, seed: int) -> dict[str, list[str]]:
        """Write the splits and the options of the folder.

        Args:
            fraction: Fraction of the images to train on; None: the sources' own splits.
            seed: Seed of the split.

        Returns:
            Names of images by split.
        """
        splits = self._splits(fraction, seed)
        options = {"boxes_complete": True} if "boxes" in self._complete else None
        self._writer.finish(splits, options=options)
        return splits

    def _count(self, item: Annotated, marks: Marks, drawn: set[int]) -> None:
        self.kinds.update(marks.kinds)
        seen = drawn | marks.named_classes
        self.has_background |= 0 in seen
        classes = ClassList(tuple(self._classes.names))
        self._tags[item.name] = frozenset(tags_among(seen, classes))
        if item.split:
            self._own_splits.setdefault(item.split, []).append(item.name)
            self._are_listed |= item.is_listed
        if marks.is_empty:
            self._note("unmarked", f"image {item.name!r} has no mark", item)

    def _splits(self, fraction: float | None, seed: int) -> dict[str, list[str]]:
        if fraction is not None:
            kept = {split: len(names) for split, names in self._own_splits.items()}
            if len(kept) > 1:
                counts = ", ".join(f"{split} {number}" for split, number in kept.items())
                self._note(
                    "unsure",
                    f"the files' own splits ({counts}) are not kept: --split divides all images "
                    "anew, those to score on too; leave it out to keep them",
                )
            train, val = stratified_split(self._tags, fraction, seed)
            return {"train": train, "val": val}
        if not self._own_splits:
            return {"train": list(self._tags)}
        in_one = {name for names in self._own_splits.values() for name in names}
        rest = [name for name in self._tags if name not in in_one]
        if rest and self._own_splits.keys() <= {"train"} and not self._are_listed:
            # A folder "train" among others is one of images like them, perhaps of locomotives.
            return {"train": list(self._tags)}
        if rest:
            self._note("unsure", no_split_message(len(rest), rest[0]))
        if "train" not in self._own_splits:
            held = ", ".join(self._own_splits)
            tested = ", those of test too" if "test" in self._own_splits else ""
            self._note(
                "unsure",
                f"no image is to train on: the files' splits are {held}; --split 0.8 divides the "
                f"images anew{tested}",
            )
        return self._own_splits

    def _draw(
        self, item: Annotated, marks: Marks, size: tuple[int, int], classes: ClassList
    ) -> LabelMap | None:
        if marks.is_empty:
            return None
        drawing = draw_marks(marks, size, classes, AS_MARKED, image=item.name)
        for kind, pixels in drawing.conflicts.items():
            self._note(
                "conflict",
                f"image {item.name!r}: {kind} of different classes "
                f"share {counted(pixels, 'pixel')}; the later one has them",
                item,
            )
        if drawing.empty:
            self._note(
                "empty",
                f"image {item.name!r}: " + counted(drawing.empty, *_TOO_THIN),
                item,
            )
        return drawing.labels

    def _picture_fault(self, item: Annotated) -> str:
        """Return why an image's file cannot be its own; nothing if it can."""
        if item.picture is None:
            why = f" ({item.why_missing})" if item.why_missing else ""
            return f"the image {item.name!r} is not found{why}"
        if isinstance(item.picture, Path):
            other = self._of_picture.setdefault(item.picture, item.name)
            if other != item.name:
                return (
                    f"the images {other!r} and {item.name!r} would both be {item.picture.name}, "
                    "the only file of that name"
                )
        return ""

    def _seen(self, item: Annotated) -> UprightPicture | None:
        """Return the image of marks; None where it is left out, since it cannot be used."""
        try:
            return upright_picture(item)
        except DataError as error:
            finding = finding_from(error)
            if not self._allow_missing:
                raise DataError(
                    f"{finding.message}; --allow_missing true leaves such images out",
                    path=finding.path,
                    entry=finding.entry,
                ) from error
            self.log.note([replace(finding, message=f"{finding.message}; it is left out")])
            return None

    def _miss(self, item: Annotated, message: str) -> None:
        if not self._allow_missing:
            raise Entry(item.path, item.entry).error(
                f"{message}; --images FOLDER says where images are (folders inside it do not "
                "count), --allow_missing true leaves out what is not there"
            )
        self._note("missing", f"{message}; it is left out", item)

    def _note(self, kind: Oddity, message: str, item: Annotated | None = None) -> None:
        where = (item.path, item.entry) if item else ()
        self.log.note([Finding(kind, message, *where)])
