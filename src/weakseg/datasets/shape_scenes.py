"""Scenes of textured shapes, whose colours are independent of their classes.

A class is a shape with its texture: striped discs, checked squares, … All objects, the background
and the clutter of a scene share the same few colours, under uneven light and noise. In crowded
scenes there are many classes, so colour has to tell: a class is a shape with its texture and a
colour, in two tones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from weakseg.marks.label_values import VOID

Field = NDArray[np.float64]  # one value a pixel, (H, W)
Picture = NDArray[np.float64]  # (H, W, 3), 0 to 255

_NAMED_COLOURS = {
    "red": (205, 84, 70),
    "amber": (233, 176, 76),
    "green": (106, 158, 92),
    "blue": (66, 112, 168),
    "violet": (138, 96, 156),
    "cream": (232, 222, 198),
    "black": (62, 60, 70),
    "teal": (92, 176, 172),
}
_COLOURS = np.array(list(_NAMED_COLOURS.values()), float)
_COLOURS_IN_SCENE = 4
_MIN_AREA = 0.02  # of the image, that an object must show
_MIN_VISIBLE = 0.55  # of its own area
_TRIES = 30
# Lengths below are in pixels of an image of this side, and grow with it.
_REFERENCE_SIDE = 128


@dataclass(frozen=True)
class Scene:
    """A picture with its ground truth.

    Args:
        image: Picture, (H, W, 3), RGB, 8 bits a channel.
        objects: Number of the object at a pixel, from 1; 0 is background, (H, W).
        class_ids: Class of every object, from 1; object i is of class `class_ids[i - 1]`.
        labels: Label map, (H, W); void where two objects or object and background meet.
    """

    image: NDArray[np.uint8]
    objects: NDArray[np.uint8]
    class_ids: tuple[int, ...]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class Shape:
    """A class of objects.

    Args:
        name: Its name.
        outline: Of a place (u, v) in an object of radius 1: about the distance to its edge,
            negative inside.
        texture: Of the same place, and waves a radius: from -1 to 1, where one of the two colours
            turns into the other.
        size: Radius in times that of the others, so that all cover about the same area.
        colour: Its colour, in two tones; none: two of the scene's colours.
    """

    name: str
    outline: Callable[[Field, Field], Field]
    texture: Callable[[Field, Field, float], Field]
    size: float
    colour: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class SceneStyle:
    """What scenes are made of.

    Args:
        shapes: The classes after background, in the order of their ids.
        radius: Smallest and largest radius of an object, in times the image's side.
        frequency: Fraction of the scenes that a class is in, for each; a class has one object.
            Empty: a scene has one to four objects of any classes.
    """

    shapes: tuple[Shape, ...]
    radius: tuple[float, float]
    frequency: tuple[float, ...] = ()


def _disc(u: Field, v: Field) -> Field:
    return np.hypot(u, v) - 0.9


def _square(u: Field, v: Field) -> Field:
    return np.maximum(np.abs(u), np.abs(v)) - 0.8


def _triangle(u: Field, v: Field) -> Field:
    sides: Field = np.maximum(v, np.sqrt(0.75) * np.abs(u) - v / 2)
    return sides - 0.5


def _star(u: Field, v: Field) -> Field:
    tenth = np.pi / 5
    angle = np.abs((np.arctan2(v, u) + tenth) % (2 * tenth) - tenth)  # from the nearest tip
    radius, inner = np.hypot(u, v), 0.5
    normal = np.array([inner * np.sin(tenth), 1 - inner * np.cos(tenth)])
    normal /= np.linalg.norm(normal)
    distance: Field = normal[0] * (radius * np.cos(angle) - 1) + normal[1] * radius * np.sin(angle)
    return distance


def _ring(u: Field, v: Field) -> Field:
    return np.abs(np.hypot(u, v) - 0.68) - 0.28


def _stripes(u: Field, _: Field, waves: float) -> Field:
    return np.sin(2 * np.pi * waves * u)


def _checks(u: Field, v: Field, waves: float) -> Field:
    return 2 * np.sin(np.pi * waves * u) * np.sin(np.pi * waves * v)


def _dots(u: Field, v: Field, waves: float) -> Field:
    return np.cos(2 * np.pi * waves * u) + np.cos(2 * np.pi * waves * v) - 0.4


def _circles(u: Field, v: Field, waves: float) -> Field:
    return np.cos(2 * np.pi * waves * np.hypot(u, v))


def _spokes(u: Field, v: Field, waves: float) -> Field:
    wave: Field = np.sin(np.round(4.3 * waves) * np.arctan2(v, u))
    return wave


SHAPES = (
    Shape("disc", _disc, _stripes, 1.0),
    Shape("square", _square, _checks, 1.0),
    Shape("triangle", _triangle, _dots, 1.35),
    Shape("star", _star, _circles, 1.35),
    Shape("ring", _ring, _spokes, 1.05),
)
"""The classes of plain scenes after background, in the order of their ids."""

PLAIN = SceneStyle(SHAPES, radius=(0.18, 0.30))
"""Five classes; one to four objects a scene."""

_COLOURED = tuple(
    replace(shape, name=f"{name} {shape.name}", colour=colour)
    for name, colour in _NAMED_COLOURS.items()
    for shape in SHAPES
)
CROWDED = SceneStyle(
    _COLOURED,
    radius=(0.11, 0.17),
    frequency=tuple(
        0.95 if number < 2 else 0.05 if number % 3 == 2 else 0.22
        for number in range(len(_COLOURED))
    ),
)
"""Forty classes, about eight a scene: two are nearly everywhere, a third are rare."""


def draw_scene(rng: np.random.Generator, size: int, style: SceneStyle = PLAIN) -> Scene:
    """Draw a scene.

    Args:
        rng: Source of all randomness.
        size: Side of the square image.
        style: What it is made of.
    """
    colours = rng.permutation(_COLOURS)[:_COLOURS_IN_SCENE]
    picture = _background(rng, size, colours)
    fine, coarse = _noise(rng, size, 2.5), _noise(rng, size, 8.0)
    for _ in range(rng.integers(3, 7)):
        blotches = _mix(_two(rng, colours), 0.5 + 0.5 * np.tanh(2 * fine))
        coverage = _stroke(rng, size) if rng.random() < 0.5 else _blob(rng, coarse)
        picture = _over(picture, coverage, blotches)
    objects = np.zeros((size, size), np.uint8)
    areas: list[int] = []
    class_ids: list[int] = []
    for class_id in _tries(rng, style, class_ids):
        coverage, texture = _object(rng, size, style.shapes[class_id - 1], style.radius, colours)
        inside = coverage >= 0.5
        placed = np.where(inside, np.uint8(len(areas) + 1), objects)
        if not _all_show(placed, [*areas, int(inside.sum())]):
            continue
        picture = _over(_shade(picture, coverage, size), coverage, texture)
        objects = placed
        areas.append(int(inside.sum()))
        class_ids.append(class_id)
    labels = np.array([0, *class_ids], np.uint8)[objects]
    labels[_seams(objects)] = VOID
    return Scene(_photograph(rng, picture), objects, tuple(class_ids), labels)


def _tries(rng: np.random.Generator, style: SceneStyle, placed: list[int]) -> Iterator[int]:
    """Yield the class of the next object to try, until enough objects are `placed`."""
    if not style.frequency:
        wanted = rng.integers(1, 5)
        for _ in range(_TRIES):
            yield int(rng.integers(len(style.shapes))) + 1
            if len(placed) == wanted:
                return
    present = np.flatnonzero(rng.random(len(style.frequency)) < style.frequency) + 1
    for class_id in rng.permutation(present).tolist():
        for _ in range(_TRIES):
            if class_id not in placed:
                yield class_id


def _all_show(objects: NDArray[np.uint8], areas: list[int]) -> bool:
    """Check that enough of every object is visible, for its own area and for the image."""
    seen = np.bincount(objects.ravel(), minlength=len(areas) + 1)[1:]
    smallest = np.maximum(_MIN_AREA * objects.size, _MIN_VISIBLE * np.array(areas))
    return bool((seen >= smallest).all())


def _seams(objects: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Mark pixels on both sides of every outline."""
    seams = np.zeros(objects.shape, bool)
    across = objects[:, 1:] != objects[:, :-1]
    down = objects[1:] != objects[:-1]
    seams[:, 1:] |= across
    seams[:, :-1] |= across
    seams[1:] |= down
    seams[:-1] |= down
    return seams


def _object(
    rng: np.random.Generator,
    size: int,
    shape: Shape,
    radii: tuple[float, float],
    colours: Picture,
) -> tuple[Field, Picture]:
    """Return an object's coverage of every pixel, 0 to 1, and its texture."""
    radius = rng.uniform(*radii) * size * shape.size
    waves = radius / (rng.uniform(9, 13) * size / _REFERENCE_SIDE)
    x, y = _grid(size)
    centre_x, centre_y = rng.uniform(0.1, 0.9, 2) * size
    angle, squeeze = rng.uniform(0, 2 * np.pi), rng.uniform(0.85, 1.15)
    cosine, sine = np.cos(angle) / radius, np.sin(angle) / radius
    u = (cosine * (x - centre_x) + sine * (y - centre_y)) * squeeze
    v = (cosine * (y - centre_y) - sine * (x - centre_x)) / squeeze
    coverage = np.clip(0.5 - shape.outline(u, v) * radius, 0, 1)
    shift = rng.uniform(-0.5, 0.5, 2) / waves if shape.texture in (_stripes, _checks) else (0, 0)
    wave = shape.texture(u + shift[0], v + shift[1], waves)
    two = _two(rng, colours)
    if shape.colour is not None:
        two = _tones(shape.colour)
    texture = _mix(two, 0.5 + 0.5 * np.tanh(3 * wave))
    # Light from the top left gives it body.
    light = 1 - 0.2 * ((x - centre_x) + (y - centre_y)) / radius
    return coverage, texture * np.clip(light, 0.6, 1.3)[..., None]


def _background(rng: np.random.Generator, size: int, colours: Picture) -> Picture:
    """Blotches of two colours, as coarse as the objects' textures, strong or faint."""
    blotches = np.tanh(rng.uniform(0.6, 2.5) * _noise(rng, size, rng.uniform(1.5, 6.0)))
    slow = _noise(rng, size, 24.0)
    fraction = 0.5 + 0.5 * rng.uniform(0.15, 0.65) * blotches + 0.12 * slow
    return _mix(_two(rng, colours), np.clip(fraction, 0, 1))


def _blob(rng: np.random.Generator, bumps: Field) -> Field:
    """Return the coverage, 0 to 1, of a blob with bumps along its edge."""
    size = len(bumps)
    x, y = _grid(size)
    centre_x, centre_y = rng.uniform(0, size, 2)
    distance = np.hypot(x - centre_x, y - centre_y) / (rng.uniform(0.06, 0.16) * size)
    coverage: Field = np.clip((1 + 0.5 * bumps - distance) * 8, 0, 1)
    return coverage


def _stroke(rng: np.random.Generator, size: int) -> Field:
    """Return the coverage, 0 to 1, of a curved stroke."""
    start, bend, end = rng.uniform(-0.1, 1.1, (3, 2)) * size * 2
    along = np.linspace(0, 1, 24)[:, None]
    curve = (1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end
    canvas = Image.new("L", (2 * size, 2 * size))  # twice as large, for a smooth edge
    width = int(rng.uniform(4, 14) * size / _REFERENCE_SIDE)
    ImageDraw.Draw(canvas).line(curve.ravel().tolist(), fill=255, width=width, joint="curve")
    coverage: Field = np.asarray(canvas.resize((size, size), Image.Resampling.BOX)) / 255.0
    return coverage


def _shade(picture: Picture, coverage: Field, size: int) -> Picture:
    """Let an object throw a soft shadow to the bottom right."""
    away = max(1, round(3 * size / _REFERENCE_SIDE))
    shadow = ndimage.gaussian_filter(ndimage.shift(coverage, away, order=0), away)
    shaded: Picture = picture * (1 - 0.45 * shadow)[..., None]
    return shaded


def _photograph(rng: np.random.Generator, picture: Picture) -> NDArray[np.uint8]:
    """Light a picture unevenly, and add noise."""
    size = len(picture)
    x, y = _grid(size)
    angle = rng.uniform(0, 2 * np.pi)
    across = (np.cos(angle) * x + np.sin(angle) * y) / size
    light = 1 + rng.uniform(0.1, 0.6) * (across - across.mean()) + 0.06 * _noise(rng, size, 20.0)
    lit = picture * light[..., None] * rng.uniform(0.85, 1.1)
    lit = lit + rng.normal(0, rng.uniform(3, 9), picture.shape)
    noisy: NDArray[np.uint8] = np.clip(lit, 0, 255).round().astype(np.uint8)
    return noisy


def _noise(rng: np.random.Generator, size: int, grain: float) -> Field:
    """Smooth noise of unit deviation; `grain` is the size of its bumps at 128 pixels."""
    grain = grain * size / _REFERENCE_SIDE
    step = max(1, int(grain / 1.5))  # coarse noise needs no fine grid
    coarse = rng.normal(size=(size // step + 2,) * 2)
    smooth = ndimage.gaussian_filter(coarse, grain / step, mode="wrap")
    if step > 1:
        smooth = ndimage.zoom(smooth, step, order=1)
    smooth = smooth[:size, :size]
    field: Field = (smooth - smooth.mean()) / (smooth.std() + 1e-9)
    return field


def _grid(size: int) -> tuple[Field, Field]:
    y, x = np.mgrid[:size, :size].astype(float)
    return x, y


def _two(rng: np.random.Generator, colours: Picture) -> Picture:
    chosen: Picture = rng.permutation(colours)[:2]
    return chosen


def _tones(colour: tuple[int, int, int]) -> Picture:
    """Return a colour and another tone of it: darker, or of a dark colour lighter."""
    first = np.array(colour, float)
    second = 0.45 * first if first.mean() > 128 else first + 0.5 * (255 - first)
    return np.stack([first, second])


def _mix(two: Picture, fraction: Field) -> Picture:
    """Paint with two colours (2, 3), the second by its fraction, 0 to 1."""
    mixed: Picture = two[0] + (two[1] - two[0]) * fraction[..., None]
    return mixed


def _over(picture: Picture, coverage: Field, above: Picture) -> Picture:
    return picture + (above - picture) * coverage[..., None]
