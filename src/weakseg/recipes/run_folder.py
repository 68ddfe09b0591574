"""Folder of a training run: its files, and when they may be written."""

from __future__ import annotations

import csv
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from weakseg.marks.classes import ClassList, read_classes
from weakseg.recipes.merging import flatten, merge
from weakseg.recipes.messages import RENAMED
from weakseg.recipes.reading import (
    dump_recipe,
    parse_recipe,
    read_recipe_tree,
    recipe_differences,
)
from weakseg.recipes.recipe import FITTED, Recipe
from weakseg.support.errors import RunError
from weakseg.support.files import replacing
from weakseg.support.folders import is_litter

_log = logging.getLogger("weakseg")

LATE_STAGES = ("relabel", "classify", "inference")
"""Parts of a recipe that come after the long training, and may change when a run is resumed."""
STAGES = ("seeds", "embed", "relabel", "classify")
"""Names of the stages' folders in a run."""
CACHE_KEYS = ("cache", "feature_budget")
"""Keys of `data` that change no outcome, and may change likewise."""


class Inside:
    """A path inside a folder: read from an object with a `root`, it is the full path.

    Args:
        parts: Names of folders and of the file, from the root down.
    """

    def __init__(self, *parts: str) -> None:
        self.parts = parts

    def __get__(self, folder: TrainingFolder, owner: type) -> Path:
        return folder.root.joinpath(*self.parts)


@dataclass(frozen=True)
class TrainingFolder:
    """Folder of a training."""

    root: Path
    log = Inside("log.csv")  # losses and learning rate of every step
    checkpoint = Inside("checkpoints", "last.ckpt")  # the state from which `--resume` continues


@dataclass(frozen=True)
class RunFolder(TrainingFolder):
    """Folder of a run."""

    recipe = Inside("recipe.yaml")  # in full
    classes = Inside("classes.txt")  # one name a line
    stages = Inside("stages")  # results of the stages, a folder each
    model = Inside("model.safetensors")  # the trained network
    memory = Inside("memory.safetensors")  # the labelled prototypes of the training images
    scores = Inside("scores.json")  # on the validation split
    report = Inside("report.html")

    def prepare(
        self, recipe: Recipe, classes: ClassList, *, resume: bool = False, overwrite: bool = False
    ) -> None:
        """Prepare the folder for a training.

        Args:
            recipe: The recipe of the training, resolved.
            classes: The classes.
            resume: Continue the run that is there; settings of the stages after the embedding's
                training may differ, where files are cached, and the number of its steps, if they
                are not fewer than are done.
            overwrite: Remove the run that is there.

        Raises:
            RunError: Something is there that is not to be replaced, or the run that is there is
                of another recipe.
        """
        self.check_free(resume=resume, overwrite=overwrite)
        if resume and self.recipe.is_file():
            self._check_same(recipe, classes)
            dump_recipe(recipe, self.recipe)
            return
        if overwrite:
            self._remove_run()
        # The recipe comes last: with it, the folder is a run.
        with replacing(self.classes) as beside:
            beside.write_text("\n".join(classes.names) + "\n", encoding="utf-8")
        dump_recipe(recipe, self.recipe)

    def check_free(self, *, resume: bool = False, overwrite: bool = False) -> None:
        """Check that a training may use the folder, before anything is read for it.

        Args:
            resume: Continue the run that is there.
            overwrite: Remove the run that is there.

        Raises:
            RunError: Something is there that is not to be replaced.
        """
        if resume and overwrite:
            raise RunError("--resume and --overwrite exclude each other: choose one.")
        if not self._is_occupied() or (resume and self.recipe.is_file()):
            return
        if resume and all(map(self._is_preparation, self.root.rglob("*"))):
            return  # stopped before it was a run
        if not overwrite:
            raise RunError(
                f"{self.root}: there is something already. Choose another --out, or go on with "
                "--resume, or replace it with --overwrite."
            )
        if not self.recipe.is_file():
            raise RunError(f"{self.root}: is no run folder, so --overwrite leaves it alone.")

    @contextmanager
    def removed_if_it_fails(self) -> Iterator[None]:
        """Remove the folder after an error that came before anything was made in it.

        So the corrected command finds it free. What a stage has made stays, for --resume, and so
        does all of it on Ctrl-C.
        """
        try:
            yield
        except Exception:
            if all(map(self._is_preparation, self.root.rglob("*"))):
                shutil.rmtree(self.root, ignore_errors=True)
            raise

    def read(self) -> tuple[Recipe, ClassList]:
        """Read the recipe and the classes.

        Raises:
            RunError: This is no run folder.
        """
        if not self.recipe.is_file():
            raise RunError(f"{self.root}: is no run folder (there is no recipe.yaml in it).")
        # A run may be older than the name of a key.
        keys = flatten(read_recipe_tree(self.recipe))
        tree = merge({RENAMED.get(key, key): value for key, value in keys.items()})
        return parse_recipe(tree, source=str(self.recipe)), read_classes(self.classes)

    def _is_occupied(self) -> bool:
        if not self.root.is_dir():
            return self.root.exists()
        return any(not is_litter(Path(path.name)) for path in self.root.iterdir())

    def _is_preparation(self, path: Path) -> bool:
        """Whether a path in the folder is there before a stage has made anything."""
        if path.is_symlink() or not path.is_file():
            return path.is_dir() and not path.is_symlink()
        if is_litter(Path(path.name)):
            return True
        if path in (self.recipe, self.classes):
            return True
        if path.parent.parent == self.stages and path.name == "stage.json":
            return '"files"' not in path.read_text(encoding="utf-8")  # not finished
        if path.name.startswith("events.out.tfevents."):
            return True  # log.csv has the same
        # A log without a step.
        return path.name == self.log.name and path.read_bytes().count(b"\n") <= 1

    def _remove_run(self) -> None:
        """Remove what trainings write, and nothing else."""
        for stage in STAGES:
            if (self.stages / stage).is_dir():
                shutil.rmtree(self.stages / stage)
        own = {**vars(TrainingFolder), **vars(RunFolder)}.values()
        # The recipe comes last: as long as it is there, the folder is a run, and can be replaced.
        files = [self.root.joinpath(*path.parts) for path in own if isinstance(path, Inside)]
        for path in sorted(files, key=lambda path: path == self.recipe):
            if not path.is_dir():
                path.unlink(missing_ok=True)
        for events in self.root.glob("events.out.tfevents.*"):
            events.unlink()
        for folder in (self.stages, self.checkpoint.parent):
            with suppress(OSError):
                folder.rmdir()

    def _check_length(self, before: Recipe, recipe: Recipe) -> None:
        """Refuse fewer steps than are done, and log the new end of a training."""
        old, new = before.training.steps, recipe.training.steps
        if old == new or recipe.method in FITTED:
            return
        done = self.steps_done()
        if new < done:
            raise RunError(
                f"{self.root}: {done} steps are done, so it cannot end after training.steps {new}. "
                "Choose at least as many, or start again with --overwrite."
            )
        _log.info(
            "The training ends after %d steps instead of %d (%d are done); the learning rate now "
            "decays towards that end",
            new,
            old,
            done,
        )

    def steps_done(self) -> int:
        """Return the number of steps that the log holds."""
        if not self.log.is_file():
            return 0
        with self.log.open(newline="", encoding="utf-8") as file:
            steps = [row.get("step") or "" for row in csv.DictReader(file)]
        return max((int(step) for step in steps if step.isdecimal()), default=0)

    def _check_same(self, recipe: Recipe, classes: ClassList) -> None:
        before, classes_before = self.read()
        differences = [
            difference
            for difference in recipe_differences(before, recipe)
            if difference.split(".")[0] not in LATE_STAGES
            and not difference.startswith(tuple(f"data.{key}:" for key in CACHE_KEYS))
            and not difference.startswith("training.steps:")
        ]
        self._check_length(before, recipe)
        if classes_before.names != classes.names:
            differences.append("the class list")
        if differences:
            raise RunError(
                f"{self.root}: was started with another recipe, so it cannot be resumed with this "
                "one:\n  " + "\n  ".join(differences)
            )
