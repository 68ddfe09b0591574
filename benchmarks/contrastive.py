"""The contrastive loss against its plain formula and the bare products: same input, in turn.

    python benchmarks/contrastive.py [--pixels 8192] [--prototypes 4068] [--rounds 5] [--busy 1]

Shown are processor and wall seconds, forward and backward, the median of the rounds; the extra
memory, as a share of all similarities; and how far the results differ. `--busy` starts so many
processes that do nothing but keep a core busy.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from weakseg.method import contrastive_loss
from weakseg.support.machine import machine_name

Inputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=8192)
    parser.add_argument("--prototypes", type=int, default=4068)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--busy", type=int, default=0)
    options = parser.parse_args()
    inputs = make_inputs(options.pixels, options.prototypes)
    others = [multiprocessing.Process(target=spin, daemon=True) for _ in range(options.busy)]
    for other in others:
        other.start()
    print(f"{machine_name()}, {torch.get_num_threads()} threads, {options.busy} busy processes")
    measure({"plain": plain, "weakseg": weakseg, "bare products": products}, inputs, options.rounds)
    for other in others:
        other.kill()


def make_inputs(pixels: int, prototypes: int) -> Inputs:
    torch.manual_seed(0)
    segment = torch.randint(prototypes, (pixels,))
    prototype_label = torch.randint(21, (prototypes,))
    pixel = F.normalize(torch.randn(pixels, 64), dim=1).requires_grad_()
    prototype = F.normalize(torch.randn(prototypes, 64), dim=1).requires_grad_()
    return pixel, prototype_label[segment], segment, prototype, prototype_label


def measure(ways: dict[str, Callable[..., Tensor]], inputs: Inputs, rounds: int) -> None:
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    results = {}
    for _ in range(rounds + 1):
        for name, loss in ways.items():
            start, wall = time.process_time(), time.perf_counter()
            results[name] = loss(*inputs).detach()
            seconds[name].append((time.process_time() - start, time.perf_counter() - wall))
    similarities = len(inputs[0]) * len(inputs[3]) * 4
    for name, loss in ways.items():
        processor, wall = (statistics.median(each) for each in zip(*seconds[name][1:], strict=True))
        share = peak_memory(loss, inputs) / similarities
        print(f"{name:14} {processor:.3f} s of processors, {wall:.3f} s, memory {share:.2f}")
    print(f"difference {abs(results['plain'] - results['weakseg']).item():.1e}")


def peak_memory(loss: Callable[..., Tensor], inputs: Inputs) -> int:
    """Return the most bytes that torch held at a time beside the inputs."""
    activities = [ProfilerActivity.CPU]
    with profile(activities=activities, profile_memory=True) as recorded:
        loss(*inputs)
    held = peak = 0
    for event in recorded.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak


def weakseg(*inputs: Tensor) -> Tensor:
    loss = contrastive_loss(*inputs, concentration=8.0)
    loss.backward()
    return loss


def plain(
    pixel: Tensor, label: Tensor, segment: Tensor, prototype: Tensor, prototype_label: Tensor
) -> Tensor:
    """Write the formula down with masks over all pairs."""
    weight = (8.0 * pixel @ prototype.T).exp()
    same = label[:, None] == prototype_label[None]
    own = F.one_hot(segment, len(prototype)).bool()
    others = same & ~own
    numerator = (weight * torch.where(others.any(1, keepdim=True), others, own)).sum(1)
    loss = -(numerator / (numerator + (weight * ~same).sum(1))).log().mean()
    loss.backward()
    return loss


@torch.no_grad()
def products(
    pixel: Tensor, label: Tensor, segment: Tensor, prototype: Tensor, prototype_label: Tensor
) -> Tensor:
    """Multiply what any way must: similarities, and with them the gradients of both sides."""
    for part in torch.split(pixel, 1024):
        similarity = part @ prototype.T
        similarity @ prototype
        total = similarity.T @ part
    return total.sum()


def spin() -> None:
    while True:
        pass


if __name__ == "__main__":
    main()
