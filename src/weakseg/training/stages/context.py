"""What all stages of a run have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weakseg.datasets.draws import TrainingDraws
from weakseg.datasets.records import Record
from weakseg.datasets.transforms import TrainTransform, Transform, ViewTransform
from weakseg.marks.classes import ClassList
from weakseg.models.network import EmbeddingNetwork
from weakseg.oversegments.region_maps import load_oversegment
from weakseg.recipes.recipe import ModelConfig, Recipe, TrainingConfig


@dataclass(frozen=True)
class Context:
    """Recipe, classes, oversegmentation and features of a run."""

    recipe: Recipe
    classes: ClassList
    oversegments: Path | None  # folder of region maps, where the recipe uses them
    features: Path | None = None  # folder of the features of frozen backbones, where they are kept

    def with_cache(self, network: EmbeddingNetwork) -> EmbeddingNetwork:
        """Let a network with a frozen backbone keep its features; return it."""
        if self.features is not None:
            network.keep_features(self.features, self.recipe.data.feature_budget)
        return network

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
        transform: Transform | None = None,
        model: ModelConfig | None = None,
        with_regions: bool = False,
    ) -> TrainingDraws:
        """Return the training samples of a loop, for the recipe's model and with its transforms."""
        return TrainingDraws(
            records,
            self.classes,
            self.recipe.data,
            transform or self._augmentation(model or self.recipe.model),
            seed=seed,
            draws=loop.steps * loop.batch,
            oversegments=self.oversegments if with_regions else None,
        )

    def _augmentation(self, model: ModelConfig) -> Transform:
        transforms = self.recipe.transforms
        if model.train == "head":
            return ViewTransform(transforms, self.classes, model.output_stride)
        return TrainTransform(transforms, self.classes)
