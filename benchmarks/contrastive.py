"""The contrastive loss against its plain formula: same input, same run, in turn.

    python benchmarks/contrastive.py [--pixels 8192] [--prototypes 3000] [--rounds 7]

Shown are processor seconds, forward and backward, which a busy machine disturbs least, and the
difference of the two results.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
import torch.nn.functional as F
from torch import Tensor

from weakseg.method import contrastive_loss
from weakseg.support.machine import machine_name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=8192)
    parser.add_argument("--prototypes", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.manual_seed(0)
    segment = torch.randint(options.prototypes, (options.pixels,))
    prototype_label = torch.randint(21, (options.prototypes,))
    pixel = F.normalize(torch.randn(options.pixels, 64), dim=1).requires_grad_()
    prototype = F.normalize(torch.randn(options.prototypes, 64), dim=1).requires_grad_()
    inputs = (pixel, prototype_label[segment], segment, prototype, prototype_label)
    seconds: dict[str, list[float]] = {"plain": [], "weakseg": []}
    losses = {}
    for _ in range(options.rounds + 1):
        for name, loss in (("plain", plain), ("weakseg", contrastive_loss)):
            start = time.process_time()
            losses[name] = loss(*inputs, concentration=8.0)
            losses[name].backward()
            seconds[name].append(time.process_time() - start)
    median = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    print(f"{machine_name()}, {torch.get_num_threads()} threads")
    print(
        f"plain {median['plain']:.3f} s, weakseg {median['weakseg']:.3f} s, "
        f"{median['plain'] / median['weakseg']:.1f} times faster; "
        f"difference {abs(losses['plain'] - losses['weakseg']).item():.1e}"
    )


def plain(
    pixel: Tensor,
    label: Tensor,
    segment: Tensor,
    prototype: Tensor,
    prototype_label: Tensor,
    *,
    concentration: float,
) -> Tensor:
    """Write the formula down with masks over all pairs."""
    weight = (concentration * pixel @ prototype.T).exp()
    same = label[:, None] == prototype_label[None]
    own = F.one_hot(segment, len(prototype)).bool()
    others = same & ~own
    numerator = (weight * torch.where(others.any(1, keepdim=True), others, own)).sum(1)
    return -(numerator / (numerator + (weight * ~same).sum(1))).log().mean()


if __name__ == "__main__":
    main()
