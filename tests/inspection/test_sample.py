import pytest

from weakseg.inspection.dataset_inspection import inspect_marks
from weakseg.marks.classes import ClassList
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Box, Marks, Point


def names(items, classes, **options):
    found = inspect_marks(items, classes, **({"min_images": 0} | options))
    return [image.name for image in found.sample]


def test_every_class_and_kind_is_shown_however_rare(annotated):
    classes = ClassList(("background", *(f"class {number}" for number in range(1, 40))))
    common = [annotated(f"{i}", Marks(tags=frozenset({1}))) for i in range(60)]
    rare = [annotated(f"rare {i}", Marks(tags=frozenset({i}))) for i in range(2, 40)]
    boxed = annotated("boxed", Marks(boxes=(Box(1, 1, 1, 9, 9),)))
    clicked = annotated("clicked", Marks(points=(Point(1, 9, 9),)))
    shown = names([*common, *rare, boxed, clicked], classes)
    assert {"boxed", "clicked", *(f"rare {i}" for i in range(2, 40))} <= set(shown)
    assert len(shown) == len(set(shown)) < 60


def test_images_with_findings_come_first_each_kind_in_turn(annotated, classes):
    marks = Marks(tags=frozenset({1, 2, 3}))
    calm = [annotated(f"calm {i}", marks) for i in range(30)]
    odd = [
        annotated(f"{kind} {i}", marks, findings=(Finding(kind, "odd"),))
        for kind in ("unread", "unsure")
        for i in range(40)
    ]
    shown = names([*calm, *odd], classes)
    assert shown[:3] == ["unread 0", "unsure 0", "unread 1"]
    assert sum(name.startswith("calm") for name in shown) == 10
    assert len(shown) == 20


@pytest.mark.parametrize("count", [1, 19, 20])
def test_a_small_set_is_shown_whole(annotated, classes, count):
    items = [annotated(f"{i}", Marks(tags=frozenset({1}))) for i in range(count)]
    assert sorted(names(items, classes)) == sorted(item.name for item in items)


def test_the_choice_is_the_same_every_time_and_spread_over_the_set(annotated, classes):
    items = [annotated(f"{i:03}", Marks(tags=frozenset({1}))) for i in range(200)]
    shown = names(items, classes)
    assert shown == names(items, classes)
    assert max(map(int, shown)) > 100
