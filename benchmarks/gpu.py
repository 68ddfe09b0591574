"""The paper's setting on one GPU within a budget of minutes: from clicks, and from full masks.

    python benchmarks/gpu.py VOC2012 --points points.json background_points.json [--minutes 10]
        [--backbone NAME] [--weights FILE] [--steps N] [--out gpu.json] [--set KEY=VALUE ...]

Trains recipe `voc-points` from clicks and again from the full masks of the same images, in equally
many steps, and scores both on the validation split. A warm-up of a few steps, from full masks, is
timed first, and as many steps are made as leave the whole within the budget, a tenth in reserve;
`--steps` fixes them instead. Without DATA it makes the shapes set. `--set` changes the recipe, as
in `--set training.batch=8`.

What differs from the recipe: one device, mixed precision on a GPU, regions by gradients (HED's
weights are no part of weakseg), and no pseudo-labels, so that the steps are all of a training. The
backbone is `resnet50` where its ImageNet weights are found, and else `tf_efficientnet_lite2`, whose
weights are installed with weakseg, so that no hub is asked. Without a GPU the same runs on the CPU.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from rich.console import Console
from rich.table import Table

import weakseg
from weakseg.api.oversegment import oversegment_records
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.shapes import make_shapes
from weakseg.models.weights import local_weights
from weakseg.recipes.options import resolve_recipe
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.files import replacing
from weakseg.support.machine import machine_name
from weakseg.training.log import read_log

RECIPE = "voc-points"
CHANGES = {
    "oversegment.boundaries": "gradient",
    "relabel.enabled": False,
    "classify.steps": 0,
    "training.devices": 1,
    "training.sync_batch_norm": False,
}
_GIB = 2**30
_COLD_STEPS = 5  # the first ones, in which memory is claimed and kernels are chosen

_RESERVE = 0.1  # of the time, for a machine that is not always equally fast


@dataclass(frozen=True)
class Measured:
    """A training and what it took.

    Args:
        marks: Marks trained on: points or masks.
        steps: Number of steps.
        step_seconds: Median seconds of a step with its data.
        images_per_second: Images a second in training.
        peak_gpu_gib: Most memory of the GPU that tensors took; None on a CPU.
        mean_iou: mIoU on the validation split; None where it has no full masks.
        seconds: Duration of the whole: training, memory, scores, report.
    """

    marks: str
    steps: int
    step_seconds: float
    images_per_second: float
    peak_gpu_gib: float | None
    mean_iou: float | None
    seconds: float

    @property
    def overhead(self) -> float:
        """Seconds beside the steps."""
        return max(0.0, self.seconds - self.steps * self.step_seconds)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    start = time.perf_counter()
    out = Path(tempfile.mkdtemp())
    shared = shared_changes(options)
    data = options.data or make_shapes(out / "shapes", train=24, val=6, size=options.size)
    recipes = {
        "points": resolve_recipe(data, RECIPE, {**shared, "data.points": options.points}),
        "masks": resolve_recipe(data, RECIPE, {**shared, "data.marks": ["masks"]}),
    }
    print(setting(recipes["points"]))
    _oversegment(recipes["points"])
    steps = options.steps
    if steps is None:
        warm_up = measure(data, recipes["masks"], options.warm_up, out / "warm-up")
        left = 60 * options.minutes - (time.perf_counter() - start)
        steps = steps_within(left, warm_up)
        if steps < 1:
            raise SystemExit(
                f"No step fits into {options.minutes:g} minutes: a training takes "
                f"{warm_up.overhead:.0f} s beside its steps of {warm_up.step_seconds:.2f} s, and "
                f"{left:.0f} s were left for two. Use more --minutes, or fix --steps."
            )
    runs = [measure(data, recipe, steps, out / name) for name, recipe in recipes.items()]
    seconds = time.perf_counter() - start
    _print(runs, seconds)
    if options.out:
        written = as_json(recipes["points"], runs, seconds)
        with replacing(options.out) as beside:
            beside.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


def shared_changes(options: argparse.Namespace) -> dict[str, Any]:
    """Return what both trainings change in the recipe."""
    changes = CHANGES | {
        "model.backbone": options.backbone or default_backbone(options.weights),
        "model.weights": options.weights,
        "training.precision": options.precision or _precision(),
    }
    if not torch.cuda.is_available():
        changes["training.workers"] = 0
    return changes | {
        key: yaml.safe_load(value) for key, value in (pair.split("=", 1) for pair in options.set)
    }


def default_backbone(weights: str) -> str:
    """Return resnet50, or a network whose weights are installed where those cannot be had."""
    if weights != "auto" or local_weights("resnet50") is not None:
        return "resnet50"
    return "tf_efficientnet_lite2"


def _precision() -> str:
    if not torch.cuda.is_available():
        return "32-true"
    return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"


def setting(recipe: Recipe) -> str:
    """Return backbone, weights, crop, batch, precision and machine as a line."""
    weights = recipe.model.weights
    if weights == "auto":
        found = local_weights(recipe.model.backbone)
        weights = "ImageNet, " + (found.source if found else "to be asked of timm's hub")
    loop, crop = recipe.training, recipe.transforms.crop
    return (
        f"{recipe.model.backbone} (weights: {weights}), crops of {crop}, batch {loop.batch}, "
        f"{loop.precision}; {machine_name()}"
    )


def _oversegment(recipe: Recipe) -> None:
    """Make the regions, which both trainings read, so that neither is timed with them."""
    folder = DataFolder(recipe.data)
    oversegment_records(recipe, folder, folder.split(recipe.data.train_split))


def measure(data: str | Path, recipe: Recipe, steps: int, out: Path) -> Measured:
    """Train for so many steps, and return what it took."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    trained = weakseg.train(data, recipe=recipe, out=out, overrides={"training.steps": steps})
    seconds = time.perf_counter() - start
    each = step_seconds(read_log(RunFolder(out).log))
    return Measured(
        marks=" and ".join(recipe.data.marks),
        steps=steps,
        step_seconds=each,
        images_per_second=recipe.training.batch / each,
        peak_gpu_gib=_peak(),
        mean_iou=trained.scores.mean_iou if trained.scores else None,
        seconds=seconds,
    )


def _peak() -> float | None:
    return torch.cuda.max_memory_allocated() / _GIB if torch.cuda.is_available() else None


def step_seconds(log: Sequence[Mapping[str, str]]) -> float:
    """Return the median seconds of a step, without the first ones where there are more.

    Examples:
        >>> step_seconds([{"seconds": "9"}] * 5 + [{"seconds": "1"}, {"seconds": "2"}] * 2)
        1.5
    """
    seconds = [float(row["seconds"]) for row in log]
    return statistics.median(seconds[_COLD_STEPS:] or seconds)


def steps_within(left: float, warm_up: Measured, *, trainings: int = 2) -> int:
    """Return how many steps each training can make in the seconds that are left, 0 or more."""
    each = (1 - _RESERVE) * left / trainings
    return max(0, int((each - warm_up.overhead) / warm_up.step_seconds))


def ratio(runs: Sequence[Measured]) -> float | None:
    """Return the mIoU from clicks as a fraction of that from full masks, where there is one."""
    clicks, masks = (run.mean_iou for run in runs)
    return clicks / masks if clicks is not None and masks else None


def as_json(recipe: Recipe, runs: Sequence[Measured], seconds: float) -> dict[str, Any]:
    """Return everything measured, with the setting it was measured in."""
    return {
        "machine": machine_name(),
        "recipe": RECIPE,
        "backbone": recipe.model.backbone,
        "weights": recipe.model.weights,
        "crop": recipe.transforms.crop,
        "batch": recipe.training.batch,
        "precision": recipe.training.precision,
        "runs": [asdict(run) for run in runs],
        "ratio": ratio(runs),
        "seconds": seconds,
    }


def _print(runs: Sequence[Measured], seconds: float) -> None:
    table = Table(title=f"{RECIPE}, {seconds / 60:.1f} minutes in all")
    table.add_column("trained on")
    for heading in ("steps", "s a step", "images/s", "peak GPU GiB", "mIoU %"):
        table.add_column(heading, justify="right")
    for run in runs:
        table.add_row(
            run.marks,
            str(run.steps),
            f"{run.step_seconds:.3f}",
            f"{run.images_per_second:.1f}",
            "–" if run.peak_gpu_gib is None else f"{run.peak_gpu_gib:.1f}",
            "–" if run.mean_iou is None else f"{100 * run.mean_iou:.1f}",
        )
    share = ratio(runs)
    table.add_row("ratio", "", "", "", "", "–" if share is None else f"{share:.3f}", style="bold")
    Console().print(table)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", help="data folder or PASCAL VOC folder")
    parser.add_argument("--points", nargs="*", default=[], help="files of clicks")
    parser.add_argument("--minutes", type=float, default=10, help="for both trainings and scores")
    parser.add_argument("--steps", type=int, help="of each training, in place of a timed warm-up")
    parser.add_argument("--warm-up", type=int, default=30, help="steps that are timed first")
    parser.add_argument("--backbone", help="a timm model; by default see above")
    parser.add_argument("--weights", default="auto", help="auto (ImageNet), none, or a file")
    parser.add_argument("--precision", help="by default mixed on a GPU, else 32-true")
    parser.add_argument(
        "--size", type=int, default=256, help="side of the images made without DATA"
    )
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="of the recipe, for both"
    )
    parser.add_argument("--out", type=Path, help="file for all figures, JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
