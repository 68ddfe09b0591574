"""Marks made from full masks, as a person might make them: pure functions of label maps."""

from weakseg.marks.simulation.image import (
    image_generator,
    simulate_boxes,
    simulate_marks,
    simulate_points,
    simulate_tags,
)
from weakseg.marks.simulation.objects import InstanceMap, ObjectArea, background_parts, find_objects
from weakseg.marks.simulation.scribbles import simulate_scribbles

__all__ = [
    "InstanceMap",
    "ObjectArea",
    "background_parts",
    "find_objects",
    "image_generator",
    "simulate_boxes",
    "simulate_marks",
    "simulate_points",
    "simulate_scribbles",
    "simulate_tags",
]
