import math
from dataclasses import dataclass, fields, is_dataclass

import pytest

from weakseg.recipes.merging import merge
from weakseg.recipes.ranges import FRACTION, SCALES, range_problems, ranged
from weakseg.recipes.reading import parse_recipe
from weakseg.recipes.recipe import Recipe
from weakseg.support.errors import RecipeError


@dataclass(frozen=True)
class Inner:
    share: float = ranged(0.5, FRACTION)
    scales: list[float] = ranged([1.0], SCALES)


@dataclass(frozen=True)
class Outer:
    inner: Inner = Inner()
    other: int = ranged(1, FRACTION)


def test_problems_name_the_whole_key_the_range_and_the_value():
    assert list(range_problems(Outer())) == []
    assert list(range_problems(Outer(Inner(math.nan, []), 2), "run.")) == [
        "run.inner.share: expected 0 to 1, but got nan",
        "run.inner.scales: expected one or more positive numbers, but got []",
        "run.other: expected 0 to 1, but got 2",
    ]


def test_a_value_that_its_type_does_not_list_is_a_problem():
    recipe = Recipe()
    object.__setattr__(recipe, "method", "magic")
    assert list(range_problems(recipe)) == [
        "method: expected spml or cross-entropy or logistic or forest, but got 'magic'"
    ]


def test_a_default_that_is_a_list_belongs_to_each_object():
    Inner().scales.append(2.0)
    assert Inner().scales == [1.0]


def numbers(config, prefix=""):
    """List the dotted keys of numbers, with whether a range stands beside them."""
    for item in fields(config):
        value = getattr(config, item.name)
        if is_dataclass(value):
            yield from numbers(value, f"{prefix}{item.name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{item.name}", "range" in item.metadata


def test_every_number_of_a_recipe_has_a_range_but_those_of_a_few_values():
    without = {key for key, has_range in numbers(Recipe()) if not has_range}
    assert without == {"inference.tile", "model.output_stride", "model.embedding_stride"}


@pytest.mark.parametrize("key", [key for key, has_range in numbers(Recipe()) if has_range])
def test_no_number_of_a_recipe_may_be_far_below_its_range(key):
    with pytest.raises(RecipeError, match=rf"{key}: expected .*, but got -2"):
        parse_recipe(merge({key: -2}))
