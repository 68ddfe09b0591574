"""Class probabilities sharpened along an image's colour edges by a dense CRF.

Krähenbühl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials",
NeurIPS 2011 (arXiv 1210.5644), as the authors' code behind the package pydensecrf2 runs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weakseg.support.errors import MissingExtraError

_FLOOR = 1e-5  # below it a class's energy grows no more
_ABSENT = 1e-3  # a class nowhere above this is left out: time is linear in their number


@dataclass(frozen=True)
class CrfSettings:
    """Two ways in which pixels persuade each other: by being near, and by being near and alike.

    Args:
        iterations: Rounds of mean-field inference.
        position_sigma: Standard deviation of nearness alone, in pixels.
        position_weight: Weight of nearness alone.
        colour_position_sigma: Standard deviation of nearness where colours count, in pixels.
        colour_sigma: Standard deviation of likeness, in steps of 256.
        colour_weight: Weight where colours count.

    Raises:
        ValueError: A standard deviation is not above 0.
    """

    iterations: int
    position_sigma: float
    position_weight: float
    colour_position_sigma: float
    colour_sigma: float
    colour_weight: float

    def __post_init__(self) -> None:
        """Refuse what the compiled code would divide by."""
        if not min(self.position_sigma, self.colour_position_sigma, self.colour_sigma) > 0:
            raise ValueError(f"Expected standard deviations of more than 0, but got {self}")


PRESETS: Mapping[str, CrfSettings] = MappingProxyType(
    {
        # DeepLab (arXiv 1606.00915), in the values SPML takes (arXiv 2105.00957)
        "deeplab": CrfSettings(10, 1, 3, 67, 3, 4),
        # Activation maps: PSA (arXiv 1803.10464), SEAM (arXiv 2004.04581)
        "activation": CrfSettings(10, 3, 3, 80, 13, 10),
    }
)


def require_crf() -> None:
    """Make sure that the dense CRF can be used, before work that ends in it.

    Raises:
        MissingExtraError: pydensecrf2 is not installed.
    """
    _pydensecrf()


def dense_crf(
    image: NDArray[np.uint8],
    probabilities: NDArray[np.float32],
    settings: str | CrfSettings = "deeplab",
) -> NDArray[np.float32]:
    """Move the outlines of classes to the edges of an image.

    Args:
        image: RGB, (H, W, 3), 8 bits.
        probabilities: (C, H, W), 0 or more; every pixel's are brought to a sum of 1. A pixel
            without any is open to all classes.
        settings: A name in `PRESETS`, or settings of your own.

    Returns:
        Probabilities, (C, H, W), which sum to 1 over the classes. A class that is nowhere above
        0.001 takes no part and gets 0.

    Raises:
        MissingExtraError: pydensecrf2 is not installed.
        ValueError: Sizes do not fit, probabilities are negative or not finite, or there is no such
            preset.

    Examples:
        ``dense_crf(image, probabilities).argmax(axis=0)`` gives the sharpened label map.
    """
    settings = _preset(settings) if isinstance(settings, str) else settings
    _check(image, probabilities)
    if probabilities.size == 0:
        return probabilities.astype(np.float32)
    shares = probabilities / np.maximum(probabilities.sum(axis=0), np.finfo(np.float32).tiny)
    present = np.flatnonzero(shares.max(axis=(1, 2)) > _ABSENT)
    if len(present) == 0:
        present = np.arange(len(shares))
    result = np.zeros(shares.shape, np.float32)
    # With one class left there is nothing to decide.
    result[present] = 1 if len(present) == 1 else _infer(image, shares[present], settings)
    return result


def _infer(
    image: NDArray[np.uint8], shares: NDArray[np.float32], settings: CrfSettings
) -> NDArray[np.float32]:
    classes, height, width = shares.shape
    field = _pydensecrf().DenseCRF2D(width, height, classes)
    energy = -np.log(np.maximum(shares, _FLOOR), dtype=np.float32)
    field.setUnaryEnergy(np.ascontiguousarray(energy.reshape(classes, -1)))
    field.addPairwiseGaussian(sxy=settings.position_sigma, compat=settings.position_weight)
    field.addPairwiseBilateral(
        sxy=settings.colour_position_sigma,
        srgb=settings.colour_sigma,
        # pydensecrf takes no array that is read-only, as those of Pillow are.
        rgbim=np.array(image, order="C"),
        compat=settings.colour_weight,
    )
    inferred = np.array(field.inference(settings.iterations), np.float32).reshape(shares.shape)
    normalised: NDArray[np.float32] = inferred / inferred.sum(axis=0)
    return normalised


def _preset(name: str) -> CrfSettings:
    if name not in PRESETS:
        raise ValueError(
            f"Expected argument `settings` to be one of {', '.join(PRESETS)}, but got {name!r}"
        )
    return PRESETS[name]


def _check(image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(
            "Expected argument `image` to be RGB of 8 bits, (H, W, 3), "
            f"but got {image.dtype}, {image.shape}"
        )
    if probabilities.ndim != 3 or probabilities.shape[1:] != image.shape[:2]:
        raise ValueError(
            f"Expected argument `probabilities` to be (C, {image.shape[0]}, {image.shape[1]}), as "
            f"the image is, but got {probabilities.shape}"
        )
    if probabilities.size and not (
        np.isfinite(probabilities.sum(axis=0)).all() and probabilities.min() >= 0
    ):
        raise ValueError(
            "Expected argument `probabilities` to be finite and 0 or more, but some are not"
        )


def _pydensecrf() -> Any:
    try:
        return import_module("pydensecrf.densecrf")
    except (ImportError, ValueError) as error:  # ValueError: compiled against another numpy
        raise MissingExtraError(
            "The dense CRF needs the package pydensecrf2: pip install 'weakseg[crf]'. It is "
            "compiled on installation, so a C++ compiler must be there. Without it, crf: none "
            f"does all but this step. ({error})"
        ) from error
