"""What a user may say about an import."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from weakseg.support.errors import RecipeError

if TYPE_CHECKING:
    from weakseg.formats.source import SourceOptions

Complete = Literal["boxes", "masks"]


@dataclass(frozen=True)
class ImportSettings:
    """How files of annotation tools become a data folder.

    Args:
        format: Name of the files' format. Null: found by their content.
        images: Folders in which images are looked for, beside where the files say.
        classes: File with one class name a line, background first. Null: the classes are those
            that the files name, after background.
        class_map: New names for classes, by the files' names; several may become one, and "void"
            leaves out the pixels that lines and areas of that class cover.
        drop: Classes whose marks are left out.
        background: Class 0 is background. False where every pixel belongs to a class of the files.
        complete: Kinds of marks that leave no object out: outside all boxes, or masks, of an
            image is background.
        split: Share of the images to train on, 0 to 1; the others are for scoring. Null: the
            files' own splits, or every image to train on.
        seed: Seed of the split.
        unlabelled: Value of label maps that means "not labelled".
        void: Value of label maps that means "leave out".
        palette: File that says which colour of a mask is which class.
        label_maps: What label maps are: masks or scribbles.
        link: Link to the images instead of copying them.
        allow_missing: Leave out images that are not found, instead of stopping.
    """

    format: str | None = None
    images: list[str] = field(default_factory=list)
    classes: str | None = None
    class_map: dict[str, str] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    background: bool = True
    complete: list[Complete] = field(default_factory=list)
    split: float | None = None
    seed: int = 0
    unlabelled: int | None = None
    void: int | None = None
    palette: str | None = None
    label_maps: Literal["masks", "scribbles"] = "masks"
    link: bool = False
    allow_missing: bool = False

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if self.split is not None and not 0 < self.split < 1:
            raise RecipeError(f"split: expected a share between 0 and 1, but got {self.split}")
        if not set(self.complete) <= set(get_args(Complete)):
            raise RecipeError(f"complete: expected boxes or masks, but got {self.complete}")
        if self.complete and not self.background:
            raise RecipeError("complete: says what is background, but background is false")

    @property
    def source(self) -> SourceOptions:
        """What readers need of it."""
        # The command line's help needs the settings, but no reader.
        from weakseg.formats.source import SourceOptions

        return SourceOptions(
            images=tuple(map(Path, self.images)),
            unlabelled=self.unlabelled,
            void=self.void,
            palette=None if self.palette is None else Path(self.palette),
            label_maps=self.label_maps,
        )
