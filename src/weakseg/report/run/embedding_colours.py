"""Embeddings as RGB pictures: their three principal components as red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHANNELS = 3
_RANGE = (1, 99)  # percentiles that become darkest and brightest; values beyond are clipped
_MIN_SPAN = 0.15  # of the widest component's span, so that a faint component stays faint
_NO_SPAN = 1e-6  # unit vectors that differ by less are the same


def embedding_colours(embeddings: Sequence[NDArray[Any]]) -> list[NDArray[np.uint8]]:
    """Colour embeddings so that similar vectors have similar colours, within and across images.

    The three principal components over all pixels of all images become red, green and blue. The
    sign of each makes its largest entry positive, so that colours are reproducible.

    Args:
        embeddings: Vectors of each image, (D, h, w), with one D; values not finite count as 0.

    Returns:
        A picture of each image, (h, w, 3), 8 bits a channel; grey if all vectors are the same.

    Raises:
        ValueError: An embedding has another shape, or another D than the first.

    Examples:
        >>> embedding = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
        >>> embedding_colours([embedding])[0].tolist()
        [[[255, 128, 128], [0, 128, 128]]]
    """
    _check(embeddings)
    if not embeddings:
        return []
    vectors = [
        np.nan_to_num(np.asarray(each, np.float32), posinf=0, neginf=0).reshape(len(each), -1).T
        for each in embeddings
    ]
    along = _project(np.concatenate(vectors))
    low, high = np.percentile(along, _RANGE, axis=0)
    half = (high - low) / 2
    half = np.maximum(half, max(_MIN_SPAN * float(half.max()), _NO_SPAN))
    colours = np.rint(127.5 + 127.5 * (along - (low + high) / 2) / half).clip(0, 255)
    ends = np.cumsum([len(each) for each in vectors])[:-1]
    return [
        part.astype(np.uint8).reshape(*each.shape[1:], _CHANNELS)
        for part, each in zip(np.split(colours, ends), embeddings, strict=True)
    ]


def _check(embeddings: Sequence[NDArray[Any]]) -> None:
    for each in embeddings:
        if each.ndim != 3 or 0 in each.shape or len(each) != len(embeddings[0]):
            raise ValueError(
                f"Expected embeddings (D, h, w) of D = {len(embeddings[0])}, but got {each.shape}."
            )


def _project(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the three principal components, (N, 3), of vectors, (N, D)."""
    centred = vectors - vectors.mean(axis=0)
    _, directions = np.linalg.eigh((centred.T @ centred / len(centred)).astype(np.float64))
    main = directions[:, ::-1][:, :_CHANNELS]
    main = main * np.sign(main[np.abs(main).argmax(axis=0), np.arange(main.shape[1])])
    along = np.zeros((len(vectors), _CHANNELS))
    along[:, : main.shape[1]] = centred @ main
    return along
