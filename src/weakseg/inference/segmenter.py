"""Segmenter: the predictor of a trained run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from weakseg.images.depth import depth_fault
from weakseg.images.reading import read_image, rgb_pixels
from weakseg.inference.groups import in_groups
from weakseg.inference.memory import Memory
from weakseg.inference.probabilities import class_probabilities
from weakseg.inference.tiles import Tile, tiles
from weakseg.marks.classes import ClassList
from weakseg.models.forest import ForestClassifier
from weakseg.models.network import EmbeddingNetwork, build_network
from weakseg.models.weights import fit_entries
from weakseg.recipes.merging import as_tree
from weakseg.recipes.reading import parse_recipe
from weakseg.recipes.recipe import InferenceConfig, LabelBy, ModelConfig
from weakseg.recipes.run_folder import RunFolder
from weakseg.refine.crf import dense_crf, require_crf
from weakseg.support.devices import pick_device
from weakseg.support.errors import DataError, WeightsError

_MAX_PROBABILITIES = 2**26  # of images that go through the network together; 256 MiB

RgbImage = str | Path | NDArray[np.uint8] | Image.Image


@dataclass(frozen=True)
class Prediction:
    """Mask of a new image.

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
        config: Labels by retrieval or classifier, scales, flip, tiles, CRF.
        memory: Labelled prototypes, for labels by retrieval.
        mirror_swap: Pairs of class names that swap when an image is mirrored, as left and right.

    Raises:
        WeightsError: Labels are by retrieval, and there is no memory.
        MissingExtraError: The dense CRF is on, and is not installed.

    Examples:
        ``Segmenter.load("run").predict("photo.jpg")`` returns class ids, (H, W).
    """

    def __init__(
        self,
        network: EmbeddingNetwork,
        classes: ClassList,
        config: InferenceConfig,
        memory: Memory | None = None,
        mirror_swap: Sequence[Sequence[str]] = (),
    ) -> None:
        _check_memory(memory, [config.labels])
        if config.crf != "none":
            require_crf()
        self.network = network.eval()
        self.classes = classes
        self.config = config
        self.memory = memory
        self.mirrored = classes.mirrored(mirror_swap)
        self.device = next(network.parameters()).device

    @classmethod
    def load(cls, run: str | Path, *, device: str = "auto", **options: Any) -> Segmenter:
        """Load the predictor of a run.

        Args:
            run: The run folder.
            device: A torch device, or auto: a GPU where there is one.
            **options: Fields of InferenceConfig that differ from the run's recipe, such as
                ``labels="classifier"`` or ``scales=[0.5, 1.0]``.

        Raises:
            RecipeError: An option is out of range.
            RunError: This is no run folder, or the device cannot be used.
            WeightsError: The weights are missing or of another architecture.
        """
        folder = RunFolder(Path(run))
        recipe, classes = folder.read()
        tree = {"inference": as_tree(recipe.inference) | options}
        config = parse_recipe(tree, source="options").inference
        where = pick_device(device)
        network = load_network(folder.model, recipe.final_model, classes).to(where)
        memory = Memory.load(folder.memory, where) if config.labels != "classifier" else None
        return cls(network, classes, config, memory, recipe.transforms.mirror_swap)

    def predict(self, image: RgbImage) -> NDArray[np.uint8]:
        """Label one image of any size.

        Args:
            image: A file, a Pillow image, or an RGB array (H, W, 3) of 8 bits.

        Returns:
            Class ids, (H, W).

        Raises:
            DataError: The file cannot be read, or has more than 8 bits a channel.
            ValueError: The array is no RGB image of 8 bits.
        """
        mask: NDArray[np.uint8] = self.predict_batch(_as_rgb(image)[None])[0]
        return mask

    def probabilities(self, image: RgbImage) -> NDArray[np.float32]:
        """Return the probability of every class at every pixel of one image, before any CRF.

        They are in memory at once: of 21 classes on 12 megapixels, one gigabyte.

        Args:
            image: A file, a Pillow image, or an RGB array (H, W, 3) of 8 bits.

        Returns:
            Probabilities, (C, H, W), which add up to 1 over the classes.

        Raises:
            DataError: The file cannot be read, or has more than 8 bits a channel.
            ValueError: The array is no RGB image of 8 bits.
        """
        return self.probabilities_by_source(image, [self.config.labels])[0]

    def probabilities_by_source(
        self, image: RgbImage, sources: Sequence[LabelBy]
    ) -> list[NDArray[np.float32]]:
        """Return the probabilities by several sources of labels, with one pass of the network.

        Args:
            image: A file, a Pillow image, or an RGB array (H, W, 3) of 8 bits.
            sources: Sources of labels, in place of the config's: retrieval, classifier, both.

        Returns:
            Probabilities by each source, (C, H, W), before any CRF.

        Raises:
            DataError: The file cannot be read, or has more than 8 bits a channel.
            ValueError: The array is no RGB image of 8 bits.
            WeightsError: A source needs a memory, and there is none.
        """
        _check_memory(self.memory, sources)
        pixels = _as_rgb(image)
        size = pixels.shape[:2]
        found = [np.empty((len(self.classes), *size), np.float32) for _ in sources]
        for tile in self._tiles(*size):
            parts = self._one_tile(pixels[None], tile, sources)  # (S, 1, C, h, w)
            for whole, part in zip(found, parts, strict=True):
                whole[:, *tile.kept] = part[0].float().cpu().numpy()
        return found

    def probabilities_batch(self, images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
        """Yield the probabilities of images of one size, which go through the network together.

        Args:
            images: RGB, (B, H, W, 3), 8 bits.

        Yields:
            Probabilities of each image, (C, H, W), before any CRF.
        """
        count, height, width, _ = images.shape
        each = len(self.classes) * height * width
        together = max(1, _MAX_PROBABILITIES // each)
        for first in range(0, count, together):
            part = images[first : first + together]  # (b, H, W, 3)
            whole = np.empty((len(part), len(self.classes), height, width), np.float32)
            for window, tile in self.tile_probabilities(part):
                whole[:, :, *window] = tile
            yield from whole

    def tile_probabilities(
        self, images: NDArray[np.uint8]
    ) -> Iterator[tuple[tuple[slice, slice], NDArray[np.float32]]]:
        """Yield the probabilities of images of one size, tile by tile.

        Args:
            images: RGB, (B, H, W, 3), 8 bits.

        Yields:
            Rows and columns of a window, and its probabilities, (B, C, h, w), before any CRF. The
            windows cover the images once.
        """
        for tile in self._tiles(*images.shape[1:3]):
            yield tile.kept, self._one_tile(images, tile)[0].float().cpu().numpy()

    def predict_batch(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Label images of one size together, tile by tile where they are large.

        Args:
            images: RGB, (B, H, W, 3), 8 bits.

        Returns:
            Class ids, (B, H, W).
        """
        masks = np.empty(images.shape[:3], np.uint8)
        if self.config.crf != "none":  # it needs the probabilities of a whole image
            for number, predicted in enumerate(self.probabilities_batch(images)):
                sharp = dense_crf(images[number], predicted, self.config.crf)  # (C, H, W)
                masks[number] = sharp.argmax(axis=0)
            return masks
        for tile in self._tiles(*images.shape[1:3]):
            labels = self._one_tile(images, tile)[0].argmax(dim=1)  # (B, C, h, w) -> (B, h, w)
            masks[:, *tile.kept] = labels.byte().cpu().numpy()
        return masks

    def _tiles(self, height: int, width: int) -> Iterator[Tile]:
        return tiles(height, width, side=self.config.tile, overlap=self.config.overlap)

    @torch.inference_mode()
    def _one_tile(
        self, images: NDArray[np.uint8], tile: Tile, sources: Sequence[LabelBy] = ()
    ) -> Tensor:
        """Return the probabilities of what a tile keeps, by each source, (S, B, C, h, w)."""
        seen = torch.from_numpy(images[:, *tile.seen].copy()).to(self.device)  # (B, h', w', 3)
        predicted = class_probabilities(
            self.network,
            seen.permute(0, 3, 1, 2).float() / 255,  # (B, 3, h', w')
            self.memory,
            self.config,
            sources or [self.config.labels],
            mirrored=self.mirrored,
        )  # (S, B, C, h', w')
        return predicted[..., *tile.inside]

    def limited_to(self, allowed: NDArray[np.bool_]) -> Segmenter:
        """Return a predictor in which only prototypes of the allowed classes vote.

        It is as before where the memory has no such prototype, and for labels by the classifier.

        Args:
            allowed: Whether each class may be voted for, (C,).
        """
        limited = copy(self)
        if self.memory is not None:
            own = self.memory.only(torch.from_numpy(allowed))
            limited.memory = own if len(own.label) else self.memory
        return limited

    def predict_files(
        self, paths: Iterable[Path], *, failed: Callable[[DataError], object] | None = None
    ) -> Iterator[Prediction]:
        """Label many images; those of one size go through the network together.

        Args:
            paths: Image files. However many they are, few are in memory at a time.
            failed: Called on the error of a file that cannot be read, which is left out.

        Yields:
            Predictions, not always in the order of `paths`.

        Raises:
            DataError: A file cannot be read, and there is no `failed`.
        """
        groups = in_groups(
            _read_images(paths, failed),
            size=self.config.batch,
            key=lambda item: item[1].shape,
            pixels=lambda item: item[1].shape[0] * item[1].shape[1],
        )
        for group in groups:
            masks = self.predict_batch(np.stack([image for _, image in group]))
            for (path, image), mask in zip(group, masks, strict=True):
                yield Prediction(path, image, mask)


def _read_images(
    paths: Iterable[Path], failed: Callable[[DataError], object] | None
) -> Iterator[tuple[Path, NDArray[np.uint8]]]:
    for path in paths:
        try:
            yield path, read_image(path)
        except DataError as error:
            if failed is None:
                raise
            failed(error)


def _check_memory(memory: Memory | None, sources: Sequence[LabelBy]) -> None:
    """Refuse labels by retrieval without a prototype to vote."""
    if set(sources) != {"classifier"} and (memory is None or len(memory.label) == 0):
        raise WeightsError(
            "Labels by retrieval need a memory with at least one labelled prototype; "
            "use labels=classifier, or train with points, scribbles or masks."
        )


def _as_rgb(image: RgbImage) -> NDArray[np.uint8]:
    if isinstance(image, str | Path):
        return read_image(Path(image))
    if isinstance(image, Image.Image):
        fault = depth_fault(image)
        if fault:
            raise DataError(f"the Pillow image {fault}")
        return rgb_pixels(image)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(
            "Expected argument `image` to be RGB of 8 bits, (H, W, 3), "
            f"but got {image.dtype}, {image.shape}."
        )
    return image


def load_network(path: Path, model: ModelConfig, classes: ClassList) -> EmbeddingNetwork:
    """Build a network with weights from a file.

    Raises:
        WeightsError: The file is missing, damaged, or of another architecture.
    """
    try:
        state = load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise WeightsError(
            f"{path}: is missing or damaged ({error}). Is the training complete? "
            "`weakseg train … --resume` finishes it."
        ) from error
    network = build_network(model, len(classes), weights="none")
    forest = ForestClassifier.shaped_like(state, "classifier.")
    if model.head == "features" and forest is not None:  # the file alone has its size
        network.classifier = forest
    fit_entries(
        network,
        state,
        file=path,
        what="the network that recipe.yaml says",
        ways_out="Is it of another run? `weakseg train … --overwrite` makes both anew.",
    )
    return network.to(memory_format=torch.channels_last)
