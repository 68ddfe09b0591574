"""Training curves as SVG whose colours are those of the page around it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

Curve = Sequence[tuple[int, float]]
"""Steps and values of one loss."""

RUN_COLOURS = 8
"""Number of run colours that the page defines."""

_MAX_POINTS = 300
_SMOOTHED_FROM = 10
_SIZE_INCHES = (4.2, 2.5)
# Stand-ins that matplotlib can draw with; the page's own colours replace them, so that one
# drawing fits light and dark pages.
_INK = "#010203"
_RUN_INK = "#0a0b0"
_STYLE: dict[Any, Any] = {
    "axes.edgecolor": _INK,
    "axes.facecolor": "none",
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.size": 10.0,
    "grid.alpha": 0.15,
    "grid.color": _INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "weakseg",
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def curve_svg(curves: Sequence[tuple[int, Curve]], name: str) -> str:
    """Draw one loss of several runs: faint as logged, strong when smoothed.

    Args:
        curves: For each run its index (its colour is the page's ``--run-<index>``) and its values;
            those that are not finite are left out. After `RUN_COLOURS` runs colours repeat, dashed.
        name: Prefix of the ids in the SVG, so that several fit on one page: letters and digits.

    Returns:
        An ``<svg>`` element without XML header; the same for the same curves.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        for place, curve in curves:
            _draw(axes, _finite(curve), place)
        axes.set_xlabel("step")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.grid(True)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return _for_page(stream.getvalue(), name)


def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth a curve by the mean over a centred window, which does not lag behind it.

    Args:
        values: One value a step, (T,).

    Returns:
        The means, (T,), over about a twelfth of the curve, less at its ends.

    Examples:
        >>> smooth(np.array([3.0] * 12 + [9.0] * 12))[10:14].tolist()
        [3.0, 5.0, 7.0, 9.0]
    """
    window = np.ones(2 * (len(values) // 24) + 1)
    counts = np.convolve(np.ones(len(values)), window, mode="same")
    return np.convolve(values, window, mode="same") / counts


def _finite(curve: Curve) -> NDArray[np.float64]:
    """Return steps and finite values, (T, 2), long curves thinned to means of neighbours."""
    points = np.array(curve, dtype=np.float64).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) <= _MAX_POINTS:
        return points
    return np.stack([part.mean(axis=0) for part in np.array_split(points, _MAX_POINTS)])


def _draw(axes: Axes, points: NDArray[np.float64], place: int) -> None:
    steps, values = points.T
    colour = f"{_RUN_INK}{place % RUN_COLOURS}"
    line = "-" if place < RUN_COLOURS else "--"
    if len(points) < _SMOOTHED_FROM:
        axes.plot(steps, values, line, color=colour, linewidth=1.8, marker="o", markersize=3)
        return
    axes.plot(steps, values, color=colour, linewidth=0.8, alpha=0.3)
    axes.plot(steps, smooth(values), line, color=colour, linewidth=1.8)


def _for_page(svg: str, name: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    # the page decides the size
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", svg)
    svg = svg.replace(_INK, "currentColor")
    return re.sub(_RUN_INK + "([0-7])", r"var(--run-\1)", svg)
