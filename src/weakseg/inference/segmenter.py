"""The predictor: a trained run that labels every pixel of new images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file

from weakseg.annotations.classes import ClassList
from weakseg.config import InferenceConfig, Recipe
from weakseg.errors import WeightsError
from weakseg.inference.memory import Memory
from weakseg.inference.probabilities import class_probabilities
from weakseg.inference.tiles import tiles
from weakseg.models import EmbeddingNetwork, build_network
from weakseg.pictures import read_image
from weakseg.run import RunFolder, network_spec

_WAITING_PIXELS = 16_000_000  # images wait in memory for others of their size up to here


@dataclass(frozen=True)
class Prediction:
    """A labelled image.

    Args:
        path: The image file.
        image: RGB, (H, W, 3), 8 bits.
        mask: Class ids, (H, W), 8 bits.
    """

    path: Path
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]


class Segmenter:
    """Label every pixel of new images.

    Args:
        network: The trained network.
        classes: The classes.
        config: How images are labelled.
        memory: Labelled prototypes, for labels by retrieval.

    Raises:
        WeightsError: Retrieval is asked for, and there is no memory.

    Examples:
        ``Segmenter.load("run").predict("photo.jpg")`` gives class ids, (H, W).
    """

    def __init__(
        self,
        network: EmbeddingNetwork,
        classes: ClassList,
        config: InferenceConfig,
        memory: Memory | None = None,
    ) -> None:
        if config.labels == "retrieval" and (memory is None or len(memory.label) == 0):
            raise WeightsError(
                "Labels by retrieval need a memory with at least one labelled prototype; "
                "use labels=classifier, or train with points, scribbles or masks."
            )
        self.network = network.eval()
        self.classes = classes
        self.config = config
        self.memory = memory
        self.device = next(network.parameters()).device

    @classmethod
    def load(cls, run: str | Path, *, device: str = "auto", **options: Any) -> Segmenter:
        """Load a run.

        Args:
            run: The run folder.
            device: A torch device, or auto: a GPU where there is one.
            **options: Fields of InferenceConfig that differ from the run's recipe, such as
                ``labels="classifier"`` or ``scales=[0.5, 1.0]``.

        Raises:
            RunError: This is no run folder.
            RecipeError: An option is out of range.
            WeightsError: The weights are missing or of another architecture.
        """
        folder = RunFolder(Path(run))
        recipe, classes = folder.read()
        # As part of the recipe, so that its checks of ranges hold here too.
        config = replace(recipe, inference=replace(recipe.inference, **options)).inference
        where = torch.device(pick_device() if device == "auto" else device)
        network = load_network(folder.model, recipe, classes).to(where)
        memory = Memory.load(folder.memory, where) if config.labels == "retrieval" else None
        return cls(network, classes, config, memory)

    def predict(self, image: str | Path | NDArray[np.uint8] | Image.Image) -> NDArray[np.uint8]:
        """Label one image of any size.

        Args:
            image: A file, a Pillow image, or an RGB array (H, W, 3) of 8 bits.

        Returns:
            Class ids, (H, W).

        Raises:
            DataError: The file cannot be read.
            ValueError: The array is no RGB image.
        """
        if isinstance(image, str | Path):
            image = read_image(Path(image))
        elif isinstance(image, Image.Image):
            image = np.asarray(image.convert("RGB"))
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ValueError(
                "Expected argument `image` to be RGB of 8 bits, (H, W, 3), "
                f"but got {image.dtype}, {image.shape}."
            )
        mask: NDArray[np.uint8] = self.predict_batch(image[None])[0]
        return mask

    @torch.inference_mode()
    def predict_batch(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Label images of one size together, tile by tile where they are large.

        Args:
            images: RGB, (B, H, W, 3), 8 bits.

        Returns:
            Class ids, (B, H, W).
        """
        count, height, width, _ = images.shape
        masks = np.empty((count, height, width), np.uint8)
        for tile in tiles(height, width, side=self.config.tile, overlap=self.config.overlap):
            seen = torch.from_numpy(images[:, *tile.seen].copy()).to(self.device)
            pixels = seen.permute(0, 3, 1, 2).float() / 255
            shares = class_probabilities(self.network, pixels, self.memory, self.config)
            labels = shares[:, :, *tile.inside].argmax(dim=1)
            masks[:, *tile.kept] = labels.byte().cpu().numpy()
        return masks

    def predict_files(self, paths: Iterable[Path]) -> Iterator[Prediction]:
        """Label many images in one pass; those of one size go through the network together.

        Args:
            paths: Image files. However many they are, those in memory at a time are few.

        Yields:
            Predictions, not always in the order of `paths`.

        Raises:
            DataError: A file cannot be read.
        """
        waiting: dict[tuple[int, ...], list[tuple[Path, NDArray[np.uint8]]]] = {}
        for path in paths:
            image = read_image(path)
            group = waiting.setdefault(image.shape, [])
            group.append((path, image))
            pixels = sum(shape[0] * shape[1] * len(same) for shape, same in waiting.items())
            if len(group) >= self.config.batch:
                yield from self._predict_group(waiting.pop(image.shape))
            elif pixels > _WAITING_PIXELS:
                for shape in list(waiting):
                    yield from self._predict_group(waiting.pop(shape))
        for group in waiting.values():
            yield from self._predict_group(group)

    def _predict_group(
        self, group: Sequence[tuple[Path, NDArray[np.uint8]]]
    ) -> Iterator[Prediction]:
        masks = self.predict_batch(np.stack([image for _, image in group]))
        for (path, image), mask in zip(group, masks, strict=True):
            yield Prediction(path, image, mask)


def pick_device() -> str:
    """Name the best device there is."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def load_network(path: Path, recipe: Recipe, classes: ClassList) -> EmbeddingNetwork:
    """Build the network of a recipe with weights from a file.

    Raises:
        WeightsError: The file is missing, damaged, or of another architecture.
    """
    network = build_network(network_spec(recipe, len(classes)), weights="none")
    try:
        state = load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise WeightsError(
            f"{path}: is missing or damaged ({error}). Is the training complete? "
            "`weakseg train … --resume` finishes it."
        ) from error
    own = network.state_dict()
    wrong = [key for key in own if key not in state or own[key].shape != state[key].shape]
    extra = [key for key in state if key not in own]
    if wrong or extra:
        raise WeightsError(
            f"{path}: is of another architecture than recipe.yaml says: {len(wrong)} entries are "
            f"missing or of another shape ({', '.join(wrong[:3])} …), {len(extra)} are unknown."
        )
    network.load_state_dict(state)
    return network.to(memory_format=torch.channels_last)
