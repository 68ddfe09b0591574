"""Where the time of a training step goes: network, k-means, relations, data.

    python benchmarks/step.py [DATA] [--recipe small] [--steps 10] [--points FILE ...]

Without DATA it makes the shapes set, at the recipe's crop. Every part is timed in turn in each
round, and the medians are shown, so that a noisy machine disturbs all parts alike.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch.utils.data import default_collate

from weakseg.api.oversegment import oversegment_records
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.draws import TrainingDraws
from weakseg.datasets.shapes import make_shapes
from weakseg.datasets.transforms import TrainTransform
from weakseg.method import location_features, spherical_kmeans
from weakseg.recipes.options import resolve_recipe
from weakseg.recipes.reading import load_recipe
from weakseg.support.machine import machine_name
from weakseg.training import EmbeddingModule


def main() -> None:
    options = _options()
    overrides = {"data.points": options.points}
    crop = load_recipe(options.recipe).transforms.crop
    data = options.data or make_shapes(
        Path(tempfile.mkdtemp()) / "shapes", train=16, val=1, size=crop
    )
    recipe = resolve_recipe(data, options.recipe, overrides)
    folder = DataFolder(recipe.data)
    classes, records = folder.classes, folder.split("train")
    draws = TrainingDraws(
        records,
        classes,
        folder.config,
        TrainTransform(recipe.transforms, classes),
        seed=0,
        draws=10**6,
        oversegments=oversegment_records(recipe, folder, records),
    )
    module = EmbeddingModule(recipe, classes).to(options.device)
    optimizer = module.configure_optimizers()[0][0]
    times: dict[str, list[float]] = {}

    for step in range(options.steps + 2):
        kept = times if step >= 2 else {}  # the first rounds warm caches and fill the memory bank
        first = step * recipe.training.batch
        items = _timed(
            kept,
            "data",
            lambda first=first: [
                draws[index] for index in range(first, first + recipe.training.batch)
            ],
        )
        batch = {
            key: value.to(options.device) if isinstance(value, torch.Tensor) else value
            for key, value in default_collate(items).items()
        }
        image = (batch["image"].float() / 255).contiguous(memory_format=torch.channels_last)
        _timed(kept, "network", lambda image=image: _network_step(module, image, optimizer))
        _timed(kept, "k-means", lambda image=image: _kmeans(module, image))
        _timed(kept, "step", lambda batch=batch: _whole_step(module, batch, optimizer))
    _print(times, recipe.objective.memory, machine_name())


def _network_step(module, image, optimizer) -> None:
    embedding = module.network(image)
    embedding.mul(0.01).sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def _kmeans(module, image) -> float:
    with torch.no_grad():
        embedding = module.network(image)
    local = location_features(*embedding.shape[-2:], device=image.device)
    local = local.permute(2, 0, 1).expand(len(image), -1, -1, -1)
    features = torch.cat([embedding, local], dim=1)
    start = time.perf_counter()
    spherical_kmeans(
        features, grid=module.recipe.objective.grid, iterations=module.recipe.objective.iterations
    )
    _wait()
    return time.perf_counter() - start


def _whole_step(module, batch, optimizer) -> None:
    sum(module.losses(batch).values()).backward()
    optimizer.step()
    optimizer.zero_grad()


def _timed(times: dict[str, list[float]], name: str, work: Callable) -> object:
    _wait()
    start = time.perf_counter()
    result = work()
    _wait()
    seconds = result if isinstance(result, float) else time.perf_counter() - start
    times.setdefault(name, []).append(seconds)
    return result


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _print(times: dict[str, list[float]], memory: int, machine: str) -> None:
    median = {name: statistics.median(values) for name, values in times.items()}
    total = median["step"] + median["data"]
    rest = {
        "network, forward and backward, optimizer": median["network"],
        "k-means": median["k-means"],
        "relations and classifier": median["step"] - median["network"] - median["k-means"],
        "data (no loading processes)": median["data"],
    }
    table = Table(title=f"A step takes {total:.2f} s: {machine}; memory bank of {memory}")
    for heading in ("part", "seconds", "share"):
        table.add_column(heading, justify="left" if heading == "part" else "right")
    for name, seconds in rest.items():
        table.add_row(name, f"{seconds:.3f}", f"{100 * seconds / total:.1f} %")
    table.add_row(
        "all but the network",
        f"{total - median['network']:.3f}",
        f"{100 * (1 - median['network'] / total):.1f} %",
        style="bold",
    )
    Console().print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", help="data folder or PASCAL VOC folder")
    parser.add_argument("--recipe", default="small")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--points", nargs="*", default=[])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()
