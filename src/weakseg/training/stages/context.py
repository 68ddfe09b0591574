"""What all stages of a run have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weakseg.datasets.draws import TrainingDraws
from weakseg.datasets.records import Record
from weakseg.datasets.transforms import TrainTransform
from weakseg.marks.classes import ClassList
from weakseg.oversegments.region_maps import load_oversegment
from weakseg.recipes.recipe import Recipe, TrainingConfig


@dataclass(frozen=True)
class Context:
    """Recipe, classes and oversegmentation of a run."""

    recipe: Recipe
    classes: ClassList
    oversegments: Path | None  # folder of region maps, where the recipe uses them

    def regions(self, record: Record, size: tuple[int, int]) -> NDArray[np.int32] | None:
        """Read the region ids of an image, (H, W); none where there is no oversegmentation."""
        if self.oversegments is None:
            return None
        return load_oversegment(self.oversegments / f"{record.name}.png", size)

    def draws(
        self,
        records: Sequence[Record],
        loop: TrainingConfig,
        *,
        seed: int,
        transform: TrainTransform | None = None,
        with_regions: bool = False,
    ) -> TrainingDraws:
        """Return the training samples of a loop; the augmentation is the recipe's by default."""
        return TrainingDraws(
            records,
            self.classes,
            self.recipe.data,
            transform or TrainTransform(self.recipe.transforms, self.classes),
            seed=seed,
            draws=loop.steps * loop.batch,
            oversegments=self.oversegments if with_regions else None,
        )
