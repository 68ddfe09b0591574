"""Stream of training samples, a pure function of the seed and the number of the draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from weakseg.datasets.records import Record, record_labels
from weakseg.datasets.transforms import Sample, Transform
from weakseg.images.reading import read_image
from weakseg.marks.classes import ClassList
from weakseg.marks.rasterize import tags_of
from weakseg.oversegments.region_maps import load_oversegment
from weakseg.recipes.recipe import DataConfig


class Batch(TypedDict):
    """Input of a training step: image (B, 3, H, W) 8 bits; label maps (B, H, W); tags (B, C).

    Where images are windows of views: those, (3, H', W') each, and the windows' corners, (B, 2).
    """

    image: Tensor
    annotation: Tensor
    oversegment: Tensor
    tags: Tensor
    name: list[str]
    view: NotRequired[list[Tensor]]
    corner: NotRequired[Tensor]


def collate(draws: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Join draws into a batch; views, which differ in size, stay a list."""
    joined = [{key: value for key, value in draw.items() if key != "view"} for draw in draws]
    batch: dict[str, Any] = default_collate(joined)
    views = [draw["view"] for draw in draws if "view" in draw]
    return {**batch, "view": views} if views else batch


class TrainingDraws(Dataset[dict[str, object]]):
    """Training samples: draw `i` is image `order[i]` under random changes seeded by `i`.

    So a run that is resumed at draw n sees exactly the samples that it would have seen, whatever
    the number of loading processes.

    Args:
        records: The images.
        classes: The classes.
        data: How marks are drawn.
        transform: Random changes.
        seed: Seed of order and changes.
        draws: Number of draws.
        first: Draw at index 0.
        oversegments: Folder of region maps; none: every image is one region.
    """

    def __init__(
        self,
        records: Sequence[Record],
        classes: ClassList,
        data: DataConfig,
        transform: Transform,
        *,
        seed: int,
        draws: int,
        first: int = 0,
        oversegments: Path | None = None,
    ) -> None:
        self.records = records
        self.classes = classes
        self.data = data
        self.transform = transform
        self.seed = seed
        self.draws = draws
        self.first = first
        self.oversegments = oversegments

    def __len__(self) -> int:
        return self.draws

    def starting_at(self, first: int) -> TrainingDraws:
        """Return the same stream from draw `first` on, for a run that is resumed."""
        return TrainingDraws(
            self.records,
            self.classes,
            self.data,
            self.transform,
            seed=self.seed,
            draws=self.draws,
            first=first,
            oversegments=self.oversegments,
        )

    def __getitem__(self, index: int) -> dict[str, object]:
        draw = self.first + index
        round_, place = divmod(draw, len(self.records))
        record = self.records[self._order(round_)[place]]
        sample = load_sample(record, self.classes, self.data, self.oversegments)
        tags = tags_of(sample.annotation.numpy(), record.marks, self.classes)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed * 1_000_003 + draw)
            changed = self.transform(sample)
        item = {
            "image": changed.image,
            "annotation": changed.annotation,
            "oversegment": changed.oversegment,
            "tags": torch.tensor(tags),
            "name": record.name,
        }
        if changed.view is None:
            return item
        return {**item, "view": changed.view, "corner": torch.tensor(changed.corner)}

    def _order(self, round_: int) -> list[int]:
        generator = torch.Generator().manual_seed(self.seed * 7_919 + round_)
        order: list[int] = torch.randperm(len(self.records), generator=generator).tolist()
        return order


def load_sample(
    record: Record, classes: ClassList, data: DataConfig, oversegments: Path | None
) -> Sample:
    """Read an image with its rasterised marks and its regions; without maps, it is one region.

    Raises:
        DataError: A file cannot be read or does not fit.
    """
    image = read_image(record.image)
    size = image.shape[:2]
    annotation = record_labels(record, size, classes, data)
    regions = torch.zeros(size, dtype=torch.int32)
    if oversegments is not None:
        path = oversegments / f"{record.name}.png"
        regions = torch.from_numpy(load_oversegment(path, expected_size=size))
    pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)
    return Sample(pixels, torch.from_numpy(annotation), regions)
