"""Dense CRF: class probabilities aligned with an image's colour edges.

Krähenbühl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials",
NeurIPS 2011 (arXiv 1210.5644), in the authors' code, which the package pydensecrf2 wraps.
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

_MIN_PROBABILITY = 1e-5  # lower ones have the same energy
_ABSENT = 1e-3  # a class nowhere above this is left out: time is linear in the number of classes


@dataclass(frozen=True)
class CrfSettings:
    """Iterations, and the two pairwise kernels: Gaussian (position) and bilateral (with colour).

    Args:
        iterations: Iterations of mean-field inference.
        position_sigma: Standard deviation of the Gaussian kernel, in pixels.
        position_weight: Weight of the Gaussian kernel.
        colour_position_sigma: Standard deviation of the bilateral kernel in position, in pixels.
        colour_sigma: Standard deviation of the bilateral kernel in colour, in 8-bit steps.
        colour_weight: Weight of the bilateral kernel.

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
        """Check the divisors of the compiled code."""
        if not min(self.position_sigma, self.colour_position_sigma, self.colour_sigma) > 0:
            raise ValueError(f"Expected standard deviations of more than 0, but got {self}")


PRESETS: Mapping[str, CrfSettings] = MappingProxyType(
    {
        # DeepLab (arXiv 1606.00915), with the values of SPML (arXiv 2105.00957)
        "deeplab": CrfSettings(10, 1, 3, 67, 3, 4),
        # Activation maps: PSA (arXiv 1803.10464), SEAM (arXiv 2004.04581)
        "activation": CrfSettings(10, 3, 3, 80, 13, 10),
    }
)


def require_crf() -> None:
    """Check that the dense CRF is installed, before work that ends in it.

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
        probabilities: (C, H, W), 0 or more; normalised here to a sum of 1 per pixel. A pixel whose
            sum is 0 is open to all classes.
        settings: A name in `PRESETS`, or other settings.

    Returns:
        Probabilities, (C, H, W), which sum to 1 over the classes; 0 for a class that is nowhere
        above 0.001, which is left out.

    Raises:
        MissingExtraError: pydensecrf2 is not installed.
        ValueError: Sizes do not fit, probabilities are negative or not finite, or the preset is
            unknown.

    Examples:
        ``dense_crf(image, probabilities).argmax(axis=0)`` is the refined label map.
    """
    settings = _preset(settings) if isinstance(settings, str) else settings
    _check(image, probabilities)
    if probabilities.size == 0:
        return probabilities.astype(np.float32)
    total = np.maximum(probabilities.sum(axis=0), np.finfo(np.float32).tiny)  # (H, W)
    probabilities = probabilities / total
    present = np.flatnonzero(probabilities.max(axis=(1, 2)) > _ABSENT)
    if len(present) == 0:
        present = np.arange(len(probabilities))
    result = np.zeros(probabilities.shape, np.float32)
    # A single class needs no inference.
    result[present] = 1 if len(present) == 1 else _infer(image, probabilities[present], settings)
    return result


def _infer(
    image: NDArray[np.uint8], probabilities: NDArray[np.float32], settings: CrfSettings
) -> NDArray[np.float32]:
    classes, height, width = probabilities.shape
    field = _pydensecrf().DenseCRF2D(width, height, classes)
    energy = -np.log(np.maximum(probabilities, _MIN_PROBABILITY), dtype=np.float32)
    field.setUnaryEnergy(np.ascontiguousarray(energy.reshape(classes, -1)))  # (C, H·W)
    field.addPairwiseGaussian(sxy=settings.position_sigma, compat=settings.position_weight)
    field.addPairwiseBilateral(
        sxy=settings.colour_position_sigma,
        srgb=settings.colour_sigma,
        # pydensecrf does not accept read-only arrays, as those of Pillow are.
        rgbim=np.array(image, order="C"),
        compat=settings.colour_weight,
    )
    inferred = np.array(field.inference(settings.iterations), np.float32)  # (C, H·W)
    inferred = inferred.reshape(classes, height, width)
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
