"""Where the time of a training step goes: network, k-means, relations, data.

    python benchmarks/step.py [DATA] [--recipe small] [--beside fast] [--points FILE ...]

Without DATA it makes the shapes set, at the recipe's crop. Every part is timed in turn in each
round, on a CPU in processor seconds, and the medians are shown, so that a noisy machine disturbs
all parts alike. A step of a second recipe (`--beside`) is timed in the same rounds, with the
features of its frozen backbone kept beforehand, and the ratio of the two is shown.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from lightning.fabric.utilities.apply_func import move_data_to_device
from rich.console import Console
from rich.table import Table

from weakseg.api.oversegment import oversegment_records
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.draws import Batch, collate, load_sample
from weakseg.datasets.records import Record
from weakseg.datasets.shapes import make_shapes
from weakseg.method import location_features, spherical_kmeans
from weakseg.recipes.options import resolve_recipe
from weakseg.recipes.reading import load_recipe
from weakseg.support.machine import machine_name
from weakseg.training import EmbeddingModule
from weakseg.training.stages.context import Context
from weakseg.training.steps.views import batch_embedding


def main() -> None:
    options = _options()
    crop = load_recipe(options.recipe).transforms.crop
    data = options.data or make_shapes(
        Path(tempfile.mkdtemp()) / "shapes", train=16, val=1, size=crop
    )
    loops = [_Loop(data, name, options) for name in (options.recipe, options.beside) if name]
    for step in range(options.steps + 2):
        # The first rounds warm caches and fill the memory bank.
        for loop in loops:
            loop.step(step, keep=step >= 2)
    for loop in loops:
        _print(loop, machine_name())
    if len(loops) == 2:
        ratio = loops[0].seconds / loops[1].seconds
        print(
            f"a step of {loops[0].name} takes {ratio:.1f} times as long as one of {loops[1].name}"
        )


class _Loop:
    """Training steps of a recipe, and the seconds of their parts."""

    def __init__(self, data: str | Path, name: str, options: argparse.Namespace) -> None:
        self.name = name
        self.times: dict[str, list[float]] = {}
        self.device = options.device
        self.recipe = resolve_recipe(data, name, {"data.points": options.points})
        folder = DataFolder(self.recipe.data)
        records = folder.split("train")[: options.images]
        regions = oversegment_records(self.recipe, folder, records)
        context = Context(self.recipe, folder.classes, regions, Path(tempfile.mkdtemp()))
        self.module = EmbeddingModule(self.recipe, folder.classes).to(self.device)
        context.with_cache(self.module.network)
        self.optimizer = self.module.configure_optimizers()[0][0]
        loop = replace(self.recipe.training, steps=10**6)
        self.draws = context.draws(records, loop, seed=0, with_regions=True)
        if self.module.network.is_frozen:
            self._keep_features(records, folder)

    def step(self, number: int, *, keep: bool) -> None:
        times = self.times if keep else {}
        batch = _timed(times, "data", lambda: self._batch(number))
        batch = move_data_to_device(batch, self.device)
        _timed(times, "network", lambda: self._network_step(batch))
        _timed(times, "k-means", lambda: self._kmeans(batch))
        _timed(times, "step", lambda: self._whole_step(batch))

    @property
    def seconds(self) -> float:
        """Median of a step and its data."""
        return statistics.median(self.times["step"]) + statistics.median(self.times["data"])

    def _batch(self, number: int) -> Batch:
        size = self.recipe.training.batch
        return collate([self.draws[index] for index in range(number * size, (number + 1) * size)])

    def _keep_features(self, records: Sequence[Record], folder: DataFolder) -> None:
        for record in records:
            image = load_sample(record, folder.classes, folder.config, None).image
            for view in (image, image.flip(-1)):
                self.module.network.features(view[None].to(self.device).float() / 255)

    def _network_step(self, batch: Batch) -> None:
        batch_embedding(self.module.network, batch).mul(0.01).sum().backward()
        self._update()

    def _kmeans(self, batch: Batch) -> float:
        with torch.no_grad():
            embedding = batch_embedding(self.module.network, batch)
        local = location_features(*embedding.shape[-2:], device=embedding.device)
        local = local.permute(2, 0, 1).expand(len(embedding), -1, -1, -1)
        features = torch.cat([embedding, local], dim=1)
        config = self.recipe.objective
        start = _clock()
        spherical_kmeans(features, grid=config.grid, iterations=config.iterations)
        _wait()
        return _clock() - start

    def _whole_step(self, batch: Batch) -> None:
        sum(self.module.losses(batch).values()).backward()
        self._update()

    def _update(self) -> None:
        self.optimizer.step()
        self.optimizer.zero_grad()


def _timed(times: dict[str, list[float]], name: str, work: Callable) -> object:
    _wait()
    start = _clock()
    result = work()
    _wait()
    seconds = result if isinstance(result, float) else _clock() - start
    times.setdefault(name, []).append(seconds)
    return result


def _clock() -> float:
    """Return seconds: by the clock for a GPU, of the processor for a CPU that is shared."""
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _print(loop: _Loop, machine: str) -> None:
    median = {name: statistics.median(values) for name, values in loop.times.items()}
    total = loop.seconds
    rest = {
        "network, forward and backward, optimizer": median["network"],
        "k-means": median["k-means"],
        "relations and classifier": median["step"] - median["network"] - median["k-means"],
        "data (no loading processes)": median["data"],
    }
    memory = loop.recipe.objective.memory
    title = f"A step of {loop.name} takes {total:.2f} s: {machine}; memory bank of {memory}"
    table = Table(title=title)
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
    parser.add_argument("--beside", help="a second recipe, timed in the same rounds")
    parser.add_argument("--images", type=int, help="use the first so many of the train split")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--points", nargs="*", default=[])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()
