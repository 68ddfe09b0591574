"""The random walk against squaring its matrix, as the paper does: same input, same run, in turn.

    python benchmarks/random_walk.py [--height 375] [--width 500] [--classes 3] [--rounds 3]

The sides are those of the image; the walk runs at stride 8. Shown are processor seconds, which a
busy machine disturbs least, those where no affinity is kept in memory, and the largest difference
of the results.
"""

from __future__ import annotations

import argparse
import statistics
import time
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from weakseg.refine.random_walk import random_walk
from weakseg.support.machine import machine_name

STRIDE, DIMENSIONS, SHARPNESS, SQUARINGS = 8, 64, 100.0, 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--height", type=int, default=375)
    parser.add_argument("--width", type=int, default=500)
    parser.add_argument("--classes", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.manual_seed(0)
    height, width = options.height // STRIDE, options.width // STRIDE
    scores, embedding = torch.rand(options.classes, height, width), patches(height, width)
    walk = partial(random_walk, sharpness=SHARPNESS, steps=2**SQUARINGS)
    ways = {"plain": plain, "weakseg": walk, "not kept": partial(walk, max_bytes=0)}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    walked = {}
    for _ in range(options.rounds + 1):
        for name, way in ways.items():
            start = time.process_time()
            walked[name] = way(scores, embedding)
            seconds[name].append(time.process_time() - start)
    median = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    print(f"{machine_name()}, {torch.get_num_threads()} threads; {height * width} pixels")
    for name in ("weakseg", "not kept"):
        print(
            f"plain {median['plain']:.2f} s, {name} {median[name]:.2f} s, "
            f"{median['plain'] / median[name]:.1f} times faster; "
            f"difference {(walked['plain'] - walked[name]).abs().max():.0e}"
        )


def patches(height: int, width: int) -> Tensor:
    """Make an embedding (D, h, w) of patches, each near one of a few directions."""
    directions = F.normalize(torch.randn(6, DIMENSIONS), dim=1)
    patch = torch.randint(6, (height // 8 + 1, width // 8 + 1))
    patch = patch.repeat_interleave(8, 0).repeat_interleave(8, 1)[:height, :width]
    return directions[patch].permute(2, 0, 1) + 0.03 * torch.randn(DIMENSIONS, height, width)


def plain(scores: Tensor, embedding: Tensor) -> Tensor:
    """Write the formula down with the whole matrix."""
    unit = F.normalize(embedding.flatten(1), dim=0)
    affinity = (SHARPNESS * (unit.T @ unit - 1)).exp()
    transition = affinity / affinity.sum(dim=1, keepdim=True)
    for _ in range(SQUARINGS):
        transition = transition @ transition
    return (transition @ scores.flatten(1).T).T.view(scores.shape)


if __name__ == "__main__":
    main()
