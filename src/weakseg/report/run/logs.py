"""Losses, durations and label quality, read from what the stages of a run left in its folder."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from weakseg.evaluation.label_quality import LabelQuality
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import RunFolder, TrainingFolder
from weakseg.report.run.curves import Curve
from weakseg.support.errors import DataError
from weakseg.training.log import read_log
from weakseg.training.stages.folder import StageFolder

_BESIDE_LOSSES = ("step", "lr", "seconds")
_STAGES = {"seeds": "Tag classifier", "embed": "Network", "classify": "On pseudo-labels"}
_LOSSES = {"loss": "all losses", "cooccurrence": "co-occurrence", "classifier": "cross-entropy"}


def loss_curves(run: RunFolder, recipe: Recipe) -> dict[str, Curve]:
    """Read the losses of every stage over its steps.

    Returns:
        Curves by stage and loss, as in "Network: similarity"; what is no number in a log is NaN.
    """
    return {
        f"{_STAGES[stage]}: {_LOSSES.get(loss, loss)}": curve
        for stage, log in _logs(run, recipe).items()
        for loss, curve in _losses(_rows(log)).items()
    }


def stage_seconds(run: RunFolder, recipe: Recipe) -> dict[str, float]:
    """Return the seconds that the training steps of each stage took."""
    logs = {stage: _rows(log) for stage, log in _logs(run, recipe).items()}
    seconds = {stage: [_number(row["seconds"]) for row in rows] for stage, rows in logs.items()}
    return {stage: sum(filter(math.isfinite, each)) for stage, each in seconds.items() if each}


def label_stages(run: RunFolder, recipe: Recipe) -> dict[str, LabelQuality]:
    """Read the quality of the training labels at each stage, where it was measured."""
    seeds = _quality(run, "seeds", "quality")
    if not recipe.relabel.enabled:
        return {"marks and seeds": seeds} if seeds else {}
    before, refined = (_quality(run, "relabel", name) for name in ("before", "quality"))
    if seeds and before and seeds.images == before.images:
        seeds = None  # it is the same
    named = {
        "marks and seeds, where images have seeds": seeds,
        "marks and seeds" if (run.stages / "seeds").is_dir() else "marks": before,
        "pseudo-labels": refined,
    }
    return {name: quality for name, quality in named.items() if quality}


def _logs(run: RunFolder, recipe: Recipe) -> dict[str, Path]:
    """Return the logs of the recipe's stages, in their order."""
    logs = {"seeds": TrainingFolder(run.stages / "seeds").log, "embed": run.log}
    if recipe.classify.steps:
        logs["classify"] = TrainingFolder(run.stages / "classify").log
    return logs


def _rows(log: Path) -> list[dict[str, str]]:
    """Read the rows of a log; none where it is missing or damaged, so that a report still comes."""
    try:
        rows = read_log(log)
    except (OSError, ValueError, csv.Error):
        return []
    return rows if rows and {"step", "seconds"} <= rows[0].keys() else []


def _losses(rows: list[dict[str, str]]) -> dict[str, Curve]:
    names = [name for name in rows[0] if name and name not in _BESIDE_LOSSES] if rows else []
    if len(names) == 2 and "loss" in names:
        names.remove("loss")  # the sum of one
    return {
        name: [
            (round(_number(row["step"])), _number(row[name]))
            for row in rows
            if math.isfinite(_number(row["step"]))
        ]
        for name in names
    }


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _quality(run: RunFolder, stage: str, name: str) -> LabelQuality | None:
    found = StageFolder(run.stages / stage).note(name)
    try:
        return LabelQuality.from_json(found) if found else None
    except DataError:
        return None
