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
from weakseg.images.reading import image_size
from weakseg.marks.classes import ClassList
from weakseg.models.network import EmbeddingNetwork
from weakseg.oversegments.region_maps import load_oversegment
from weakseg.recipes.recipe import Recipe, TrainingConfig
from weakseg.training.steps.views import window_stride


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

    def region_map(self, record: Record) -> NDArray[np.int32]:
        """Read the region ids of an image, (H, W), where the recipe has an oversegmentation."""
        regions = self.regions(record, image_size(record.image))
        assert regions is not None
        return regions

    def draws(
        self,
        records: Sequence[Record],
        loop: TrainingConfig,
        *,
        seed: int,
        transform: Transform | None = None,
        network: EmbeddingNetwork | None = None,
        with_regions: bool = False,
    ) -> TrainingDraws:
        """Return the training samples of a loop.

        Args:
            records: The images.
            loop: The loop.
            seed: Seed of order and changes.
            transform: Random changes; by default the recipe's.
            network: Network that is trained, whose features are cut to windows where it is frozen;
                none: whole views are seen, and no windows.
            with_regions: Read the region maps too.

        Raises:
            RecipeError: A window does not fit the strides of the network's features.
        """
        return TrainingDraws(
            records,
            self.classes,
            self.recipe.data,
            transform or self._augmentation(network),
            seed=seed,
            draws=loop.steps * loop.batch,
            oversegments=self.oversegments if with_regions else None,
        )

    def _augmentation(self, network: EmbeddingNetwork | None) -> Transform:
        transforms = self.recipe.transforms
        if network is None:
            return ViewTransform(transforms, self.classes, stride=1)
        if network.is_frozen:
            return ViewTransform(transforms, self.classes, window_stride(network, transforms.crop))
        return TrainTransform(transforms, self.classes)
