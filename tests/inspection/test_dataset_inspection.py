import json
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from weakseg.formats.source import Annotated
from weakseg.inspection.dataset_inspection import inspect_marks
from weakseg.marks.classes import VOC_CLASSES, ClassList
from weakseg.marks.findings import Finding
from weakseg.marks.kinds import Box, Marks, Point, Polygon, Region, Stroke
from weakseg.marks.points import read_points
from weakseg.marks.rasterize import DrawingRules
from weakseg.report.kit.overlays import overlay_marks
from weakseg.support.errors import DataError

CLASSES = ClassList(("background", "cat", "dog", "cow"))
CAT, DOG, COW, VOID, DROPPED = 1, 2, 3, 255, -1


def inspect(*items, classes=CLASSES, **options):
    return inspect_marks(items, classes, **({"min_images": 0} | options))


def square(class_id, x, y, side):
    return Polygon(class_id, (((x, y), (x + side, y), (x + side, y + side), (x, y + side)),))


def kinds_of(inspection):
    """Kinds of findings, but for classes without marks, which most of these small sets have."""
    return {kind for kind in inspection.finding_counts if kind != "rare"}


def messages(inspection, kind):
    return [str(finding) for finding in inspection.findings if finding.kind == kind]


def test_marks_are_counted_by_class_and_kind(annotated):
    first = Marks(
        tags=frozenset({CAT}),
        boxes=(Box(CAT, 1, 1, 9, 9), Box(CAT, 20, 1, 29, 9)),
        points=(Point(DOG, 30, 30),),
    )
    second = Marks(
        strokes=(Stroke(DOG, ((5, 5), (30, 5))),),
        polygons=(square(COW, 10, 20, 5),),
        regions=(
            Region.from_mask(COW, np.ones((3, 3), bool), 30, 30),
            Region.from_mask(CAT, np.ones((3, 3), bool), 50, 30, kind="scribble"),
        ),
    )
    found = inspect(annotated("a", first), annotated("b", second))
    counted = {counts.name: (counts.images, *counts.marks.values()) for counts in found.classes}
    # images; tags, boxes, points, scribbles, masks
    assert counted == {
        "background": (0, 0, 0, 0, 0, 0),
        "cat": (2, 1, 2, 0, 1, 0),
        "dog": (2, 0, 0, 1, 1, 0),
        "cow": (1, 0, 0, 0, 0, 2),
    }
    assert found.marks == {"tags": 1, "boxes": 2, "points": 1, "scribbles": 2, "masks": 2}
    assert found.is_clean


def test_pixels_are_counted_as_training_would_see_them(annotated, label_map):
    mask = label_map("a", (CAT, (0, 10), (0, 20)), (VOID, (10, 12), (0, 20)))
    marks = Marks(mask=mask, points=(Point(DOG, 50, 30),))
    found = inspect(annotated("a", marks), rules=DrawingRules(point_radius=1))
    assert [counts.pixels for counts in found.classes] == [0, 200, 5, 0]
    assert found.void_pixels == 40
    assert found.labelled_share == pytest.approx(205 / 2400)


def test_what_is_outside_complete_boxes_is_background(annotated):
    marks = Marks(boxes=(Box(CAT, 0, 0, 9, 9),))
    item = annotated("a", marks)
    assert inspect(item).labelled_pixels == 0
    assert inspect(item, rules=DrawingRules(boxes_complete=True)).classes[0].pixels == 40 * 60 - 100


def test_complete_boxes_without_a_background_are_refused(annotated):
    item = annotated("a", Marks(boxes=(Box(1, 0, 0, 9, 9),)))
    with pytest.raises(DataError, match="name it background"):
        inspect(item, classes=ClassList(("cat", "dog")), rules=DrawingRules(boxes_complete=True))


def test_dropped_marks_are_not_there_and_void_marks_leave_pixels_out(annotated):
    marks = Marks(
        polygons=(square(DROPPED, 0, 0, 10), square(VOID, 20, 20, 10)), points=(Point(CAT, 50, 5),)
    )
    found = inspect(annotated("a", marks), rules=DrawingRules(point_radius=0))
    assert (found.marks["masks"], found.void_pixels, found.labelled_pixels) == (1, 100, 1)
    assert kinds_of(found) == set()


def test_sizes_are_the_smallest_median_and_largest_by_area(annotated):
    sizes = [(10, 10), (8, 30), (8, 30), (50, 4), (40, 40)]
    found = inspect(*(annotated(f"{i}", size=size) for i, size in enumerate(sizes)))
    assert found.sizes == ((10, 10), (8, 30), (40, 40))
    assert found.pixels == 100 + 2 * 240 + 200 + 1600


def test_an_empty_set_gives_zeros():
    found = inspect()
    assert (found.images, found.sizes, found.labelled_share, found.sample) == (0, None, 0, ())
    assert kinds_of(found) == set()


def test_images_are_counted_by_split(annotated):
    found = inspect(annotated("a", split="train"), annotated("b", split="train"), annotated("c"))
    assert found.splits == {"train": 2}


@pytest.mark.parametrize(
    ("boxes", "agree"), [({CAT}, (1, 0)), ({CAT, DOG}, (0, 1)), ({DOG}, (0, 1))]
)
def test_classes_named_by_boxes_and_by_masks_are_compared(annotated, label_map, boxes, agree):
    mask = label_map("a", (0, (0, 40), (0, 60)), (CAT, (0, 10), (0, 10)), (VOID, (0, 2), (0, 2)))
    marks = Marks(boxes=tuple(Box(item, 0, 0, 20, 20) for item in boxes), mask=mask)
    (pair,) = inspect(annotated("a", marks)).agreement
    assert pair.kinds == ("boxes", "masks")
    assert (pair.equal, pair.differ) == agree
    assert pair.examples == (("a",) if pair.differ else ())


def test_the_share_of_masks_inside_boxes_counts_overlapping_boxes_once(annotated, label_map):
    mask = label_map("a", (CAT, (0, 10), (0, 10)), (DOG, (20, 30), (0, 10)))
    marks = Marks(
        mask=mask, boxes=(Box(CAT, 0, 0, 4, 9), Box(CAT, 3, 0, 5, 9), Box(DOG, 0, 0, 59, 19))
    )
    found = inspect(annotated("a", marks), annotated("b", Marks(polygons=(square(CAT, 9, 9, 9),))))
    shares = [counts.share_in_boxes for counts in found.classes]
    assert shares == [None, 0.6, None, None]


def test_areas_that_meet_no_box_of_their_class_are_of_other_objects(annotated, label_map):
    mask = label_map(
        "a", (CAT, (0, 10), (0, 10)), (CAT, (20, 30), (30, 40)), (DOG, (20, 30), (0, 5))
    )
    marks = Marks(mask=mask, boxes=(Box(CAT, 0, 0, 4, 9), Box(DOG, 40, 20, 59, 30)))
    found = inspect(annotated("a", marks))
    assert [counts.share_in_boxes for counts in found.classes] == [None, 0.5, None, None]
    said = [str(finding) for finding in found.findings if "boxes and masks" in finding.message]
    assert said == [
        "boxes and masks of class 'dog' do not meet in the only image with both: they are of "
        "different objects, or some are misplaced"
    ]
    apart = Marks(mask=mask, boxes=(Box(CAT, 50, 30, 55, 35),))
    assert not any("of class 'cat' do" in str(item) for item in found.findings)
    found = inspect(annotated("b", apart), annotated("c", apart))
    assert any(
        "of class 'cat' do not meet in any of the 2 images" in str(f) for f in found.findings
    )


def test_classes_that_are_often_in_one_image_are_paired(annotated):
    both, one = Marks(tags=frozenset({CAT, COW})), Marks(tags=frozenset({CAT, DOG}))
    found = inspect(annotated("a", both), annotated("b", both), annotated("c", one))
    assert found.pairs == (("cat", "cow", 2), ("cat", "dog", 1))


def test_an_image_of_another_size_than_stated_is_found(annotated):
    item = annotated("a", Marks(tags=frozenset({CAT})))
    assert "size" not in inspect(replace(item, size=(40, 60))).finding_counts
    wrong = replace(item, size=(41, 60))
    (message,) = messages(inspect(wrong), "size")
    assert "60 × 41, but it is 60 × 40" in message


@pytest.mark.parametrize(
    ("stated", "orientation", "size", "said"),
    [
        ((60, 40), 6, (60, 40), ""),
        ((40, 60), 6, (40, 60), "orientation 6), and marked as stored"),
        (None, 6, (60, 40), "orientation 6); its marks are taken"),
        (None, 3, (40, 60), "orientation 3); its marks are taken"),
        ((60, 40), 3, (40, 60), "on an image of 40 × 60, but it is 60 × 40"),
        ((60, 40), 99, (40, 60), "on an image of 40 × 60, but it is 60 × 40"),
    ],
)
def test_a_photograph_stored_turned_is_found(tmp_path, stated, orientation, size, said):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = tmp_path / "turned.jpg"
    Image.new("RGB", (60, 40)).save(path, exif=exif)
    marks = Marks(boxes=(Box(CAT, 30, 30, 39, 39),))
    found = inspect(Annotated("turned", marks, path, stated, tmp_path / "a.json"))
    assert found.sizes is not None
    assert found.sizes[0] == size
    messages = [str(finding) for finding in found.findings if finding.kind != "rare"]
    assert len(messages) == bool(said)
    assert said in "".join(messages)


@pytest.mark.parametrize(
    ("marks", "kind", "said"),
    [
        (Marks(boxes=(Box(CAT, -9, 0, 9, 9),)), "outside", "1 of 1 box over"),
        (Marks(boxes=(Box(CAT, 70, 0, 90, 9),)), "outside", "1 of 1 boxes outside"),
        (Marks(points=(Point(CAT, -9, 5),)), "outside", "1 of 1 points outside"),
        (Marks(polygons=(square(CAT, 55, 5, 9),)), "outside", "1 of 1 polygon over"),
        (Marks(strokes=(Stroke(CAT, ((5, 5), (5, 45))),)), "outside", "1 of 1 stroke over"),
        (
            Marks(regions=(Region.from_mask(CAT, np.ones((9, 9), bool), -2, 0),)),
            "outside",
            "1 of 1 region over",
        ),
        (Marks(points=(Point(9, 5, 5),)), "unknown", "class 9, which is not among the 4"),
        (Marks(tags=frozenset({-7})), "unknown", "class -7"),
        (
            Marks(polygons=(square(CAT, 5, 5, 1),)),
            "empty",
            "polygon of 'cat' at x=5, y=5 covers only 1 pixel",
        ),
        (
            Marks(regions=(Region.from_mask(CAT, np.ones((1, 3), bool), 4, 6),)),
            "empty",
            "area of 'cat' at x=4, y=6 covers only 3 pixels",
        ),
        (Marks(boxes=(Box(CAT, 5, 5, 5, 20),)), "empty", "only 1 × 16 pixels"),
        (Marks(boxes=(Box(CAT, 5, 5, 4, 20),)), "empty", "cover nothing"),
        (
            Marks(boxes=(Box(CAT, 5, 5, 9, 9, 1), Box(CAT, 5, 5, 9, 9, 2))),
            "duplicate",
            "box of 'cat' at x=5, y=5 is there 2 times",
        ),
        (Marks(points=(Point(CAT, float("nan"), 5),)), "damaged", "no number"),
        (Marks(regions=(Region(CAT, 3, 3, (2, 2)),)), "damaged", "do not fill"),
        (Marks(regions=(Region(CAT, 10**7, 10**7, (0, 10**14)),)), "damaged", "impossible size"),
        (Marks(), "unmarked", "no mark that can be used"),
        (
            Marks(polygons=(square(CAT, 0, 0, 10), square(DOG, 5, 0, 10))),
            "conflict",
            "masks of different classes share 50 pixels, 33.33% of those they label",
        ),
    ],
)
def test_marks_that_are_wrong_are_found_with_file_and_image(annotated, marks, kind, said):
    (message,) = messages(inspect(annotated("photo7", marks)), kind)
    assert said in message
    assert "marks.json, image 'photo7': " in message


@pytest.mark.parametrize(
    "marks",
    [
        Marks(boxes=(Box(CAT, 0, 0, 59, 39),), points=(Point(CAT, 60, 40), Point(CAT, 0, 0))),
        Marks(polygons=(square(CAT, -0.9, -0.9, 40),)),
        Marks(regions=(Region.from_mask(CAT, np.pad(np.ones((2, 2), bool), 5), -5, -5),)),
        Marks(boxes=(Box(CAT, 5, 5, 6, 6), Box(DOG, 5, 5, 6, 6))),
        Marks(polygons=(square(CAT, 0, 0, 10), square(DOG, 10, 0, 10))),
        Marks(strokes=(Stroke(CAT, ((5, 5),)),)),
    ],
)
def test_marks_that_are_sound_are_not_complained_of(annotated, marks):
    assert kinds_of(inspect(annotated("a", marks))) == set()


def test_a_wrong_mark_does_not_take_others_with_it(annotated):
    wrong = (Point(CAT, 500, 5), Point(9, 5, 5), Point(CAT, float("inf"), 5))
    found = inspect(annotated("a", Marks(points=(*wrong, Point(DOG, 5, 5)))))
    assert found.marks["points"] == 1
    assert found.classes[DOG].images == 1


def test_a_value_of_no_class_in_a_label_map_is_found_and_left_out(annotated, label_map):
    mask = label_map("a", (CAT, (0, 10), (0, 10)), (77, (20, 22), (30, 40)))
    found = inspect(annotated("a", Marks(mask=mask)))
    (message,) = messages(found, "unknown")
    assert str(mask) in message
    assert "holds 77 (first at x=30, y=20): expected 0 to 3, 254" in message
    assert found.labelled_pixels == 100


def test_a_class_with_hardly_a_pixel_in_a_label_map_is_found(annotated, label_map):
    mask = label_map("a", (CAT, (0, 10), (0, 10)), (DOG, (20, 21), (30, 33)))
    (message,) = messages(inspect(annotated("a", Marks(mask=mask))), "empty")
    assert "class 'dog' has only 3 pixels" in message


def test_a_label_map_of_another_size_is_left_out_and_found(annotated, label_map):
    mask = label_map("a", (CAT, (0, 10), (0, 10)), size=(30, 60))
    found = inspect(annotated("a", Marks(mask=mask)))
    (message,) = messages(found, "size")
    assert "60 × 30 while its image is 60 × 40" in message
    assert kinds_of(found) == {"size", "unmarked"}


@pytest.mark.parametrize("kind", ["mask", "scribbles"])
def test_a_label_map_that_cannot_be_decoded_is_found_and_other_marks_count(
    annotated, label_map, kind
):
    path = label_map("a", *((CAT, (row, row + 1), (row, 2 * row)) for row in range(1, 30)))
    path.write_bytes(path.read_bytes()[:-40])
    marks = Marks(points=(Point(CAT, 5, 5),), polygons=(square(CAT, 5, 5, 9),), **{kind: path})
    found = inspect(annotated("a", marks))
    (message,) = messages(found, "damaged")
    assert str(path) in message
    assert (found.marks["points"], found.marks["masks"], found.marks["scribbles"]) == (1, 1, 0)


def test_a_label_map_that_is_not_there_is_found(annotated, tmp_path):
    (message,) = messages(inspect(annotated("a", Marks(mask=tmp_path / "no.png"))), "missing")
    assert "no.png: there is no such" in message


def test_a_label_map_without_a_label_is_no_mark(annotated, label_map):
    assert kinds_of(inspect(annotated("a", Marks(mask=label_map("a"))))) == {"unmarked"}


def test_a_point_where_a_mask_says_another_class_is_found(annotated, label_map):
    mask = label_map("a", (CAT, (0, 10), (0, 10)), (VOID, (10, 20), (0, 10)))
    points = (
        Point(CAT, 9.9, 0),
        Point(DOG, 9.9, 9.9),
        Point(DOG, 10, 5),
        Point(DOG, 5, 10),
        Point(VOID, 5, 5),
    )
    marks = Marks(points=points, mask=mask)
    found = inspect(annotated("a", marks), rules=DrawingRules(point_radius=0))
    (message,) = messages(found, "conflict")
    assert "a point of 'dog' at x=9.9, y=9.9 lies where a mask has 'cat'" in message


def test_an_image_that_is_missing_or_damaged_is_found_and_the_others_are_looked_at(
    annotated, tmp_path
):
    tags = Marks(tags=frozenset({CAT}))
    gone = annotated("gone", tags)
    gone.picture.unlink()
    broken = annotated("broken", tags)
    broken.picture.write_bytes(b"no image at all")
    nowhere = annotated("nowhere", tags, picture=None)
    found = inspect(gone, broken, nowhere, annotated("good", tags))
    assert found.images == 4
    assert found.classes[CAT].images == 4
    assert found.finding_counts == {"missing": 2, "damaged": 1, "rare": 2}
    assert f"{broken.picture}: is damaged" in messages(found, "damaged")[0]


def test_an_image_that_its_reader_has_missed_is_not_missed_twice(annotated):
    said = Finding("missing", "no image", Path("a.json"))
    item = annotated("a", Marks(tags=frozenset({CAT})), picture=None, findings=(said,))
    assert inspect(item).finding_counts["missing"] == 1


def test_only_decoding_finds_a_truncated_image(annotated):
    item = annotated("a", Marks(boxes=(Box(CAT, 50, 0, 70, 9),)))
    item.picture.write_bytes(item.picture.read_bytes()[:-900])
    assert kinds_of(inspect(item)) == {"outside"}
    found = inspect(item, decode=True)
    assert kinds_of(found) == {"outside", "damaged"}
    assert "truncated" in messages(found, "damaged")[0]


def test_an_embedded_image_is_looked_at_like_a_file(annotated):
    item = annotated("a", Marks(boxes=(Box(CAT, 5, 0, 70, 9),)))
    content = item.picture.read_bytes()
    for picture, kind in ((content, None), (content[:-900], "damaged"), (b"junk", "damaged")):
        embedded = replace(item, picture=picture)
        kinds = kinds_of(inspect(embedded, decode=True))
        assert ("damaged" in kinds) == (kind == "damaged")
    (message,) = messages(inspect(embedded), "damaged")
    assert "marks.json, image 'a': is damaged" in message


@pytest.mark.parametrize("size", [(-5, 40), (0, 40), (10**9, 10**9)])
def test_an_impossible_size_of_a_missing_image_is_found(size):
    found = inspect(Annotated("a", Marks(points=(Point(CAT, 5, 5),)), None, size, Path("a.json")))
    assert {"missing", "size"} <= kinds_of(found)
    assert found.pixels == 0


def test_images_of_identical_bytes_are_found(annotated):
    first, second, other = (annotated(name, Marks(tags=frozenset({CAT}))) for name in "abc")
    second.picture.write_bytes(first.picture.read_bytes())
    # as long, and the same in the middle
    changed = bytearray(first.picture.read_bytes())
    changed[-1] ^= 1
    other.picture.write_bytes(bytes(changed))
    embedded = Annotated("d", first.marks, first.picture.read_bytes(), None, first.path)
    found = inspect(first, second, other, embedded, embedded)
    assert messages(found, "duplicate") == [
        f"{first.path}, image 'b': its image is the same as that of 'a'",
        f"{first.path}, image 'd': its image is the same as that of 'd'",
    ]


def test_rare_and_unused_classes_are_found_but_background_is_passed_over(annotated):
    items = [annotated(f"{i}", Marks(tags=frozenset({CAT, DOG} if i else {CAT}))) for i in (0, 1)]
    assert messages(inspect(*items, min_images=2), "rare") == [
        "class 'dog' is marked only in 1 image; at least 2 were expected",
        "class 'cow' is never marked; at least 2 were expected",
    ]
    unused = messages(inspect(*items, min_images=0), "rare")
    assert unused == ["class 'cow' is never marked; at least 1 were expected"]


def test_what_the_reader_found_odd_is_taken_over(annotated):
    said = Finding("unread", "a cuboid", Path("a.json"), "shape 3")
    found = inspect(annotated("a", Marks(tags=frozenset({CAT})), findings=(said,)))
    assert said in found.findings


def test_a_reader_that_breaks_off_is_reported_with_what_was_read_before(annotated):
    def reader():
        yield annotated("a", Marks(tags=frozenset({CAT})))
        raise DataError("expected a list", path="a.json", entry="shape 3")

    found = inspect_marks(reader(), CLASSES, min_images=0)
    assert found.images == 1
    assert Finding("missing", "expected a list", Path("a.json"), "shape 3") in found.findings


def test_a_reader_that_goes_on_after_an_error_is_read_on(annotated):
    class Reader:
        def __init__(self):
            self.items = [DataError("bad"), annotated("a"), DataError("worse"), annotated("b")]

        def __iter__(self):
            return self

        def __next__(self):
            if not self.items:
                raise StopIteration
            item = self.items.pop(0)
            if isinstance(item, DataError):
                raise item
            return item

    found = inspect_marks(Reader(), CLASSES)
    assert found.images == 2
    assert messages(found, "damaged") == ["bad", "worse"]


def test_a_reader_that_fails_for_ever_is_given_up():
    class Reader:
        def __iter__(self):
            return self

        def __next__(self):
            raise DataError("bad")

    assert inspect_marks(Reader(), CLASSES).finding_counts["damaged"] == 1


def test_findings_are_all_counted_though_a_thousand_of_a_kind_are_kept(annotated):
    said = tuple(Finding("unread", f"{number}") for number in range(1500))
    found = inspect(annotated("a", findings=said))
    assert found.finding_counts["unread"] == 1500
    assert messages(found, "unread") == [f"{number}" for number in range(1000)]


def test_the_number_of_threads_changes_nothing(annotated):
    items = [annotated(f"{i}", Marks(points=(Point(1 + i % 3, i - 5, 5),))) for i in range(40)]
    one, many = (inspect_marks(items, CLASSES, workers=workers) for workers in (1, 7))
    assert one.to_json() == many.to_json()
    assert [image.name for image in one.sample] == [image.name for image in many.sample]


def test_few_images_are_held_at_a_time(annotated):
    picture = annotated("a").picture
    alive = weakref.WeakSet()
    most = 0

    def reader():
        nonlocal most
        for number in range(600):
            item = Annotated(f"{number}", Marks(tags=frozenset({CAT})), picture, None, Path("a"))
            alive.add(item)
            most = max(most, len(alive))
            yield item

    assert inspect_marks(reader(), CLASSES, workers=2).images == 600
    assert most < 60


def test_json_holds_plain_values_under_the_documented_keys(annotated, label_map):
    mask = label_map("a", (CAT, (0, 10), (0, 10)), (99, (20, 22), (0, 10)))
    marks = Marks(frozenset({CAT, DOG}), (Box(CAT, 0, 0, 9, 9),), (Point(CAT, 5, 5),), mask=mask)
    found = inspect(annotated("a", marks, split="train"), rules=DrawingRules(point_radius=1))
    tree = found.to_json()
    assert json.loads(json.dumps(tree)) == tree
    documented = "images splits sizes pixels labelled_pixels labelled_share void_pixels marks \
        classes pairs agreement clean finding_counts findings"
    assert list(tree) == documented.split()
    assert list(tree["classes"][1].values()) == ["cat", 1, 1, 1, 1, 0, 1, 100, 1.0]
    assert tree["pairs"] == [{"classes": ["cat", "dog"], "images": 1}]
    assert tree["agreement"][0] == {
        "kinds": ["tags", "boxes"],
        "equal": 0,
        "differ": 1,
        "examples": ["a"],
    }
    assert tree["findings"][0]["path"] == str(mask)
    assert (tree["clean"], tree["finding_counts"]) == (False, {"unknown": 1, "rare": 1})


@st.composite
def any_marks(draw):
    class_id = st.sampled_from([-1, 0, 1, 3, 4, 254, 255, 300, -300])
    number = st.one_of(
        st.floats(), st.floats(-70, 70), st.integers(-70, 70), st.sampled_from([1e30, 0.0, 60.0])
    )
    place = st.tuples(number, number)
    path = st.lists(place, max_size=5).map(tuple)
    length = st.integers(-2, 8)
    return Marks(
        tags=draw(st.frozensets(class_id, max_size=3)),
        boxes=draw(
            st.lists(st.builds(Box, class_id, number, number, number, number), max_size=3).map(
                tuple
            )
        ),
        points=draw(st.lists(st.builds(Point, class_id, number, number), max_size=3).map(tuple)),
        strokes=draw(st.lists(st.builds(Stroke, class_id, path, number), max_size=2).map(tuple)),
        polygons=draw(
            st.lists(
                st.builds(Polygon, class_id, st.lists(path, max_size=3).map(tuple)), max_size=2
            ).map(tuple)
        ),
        regions=draw(
            st.lists(
                st.builds(
                    Region,
                    class_id,
                    length,
                    length,
                    st.lists(length, max_size=4).map(tuple),
                    st.integers(-80, 80),
                    st.integers(-80, 80),
                ),
                max_size=2,
            ).map(tuple)
        ),
    )


def test_label_maps_of_an_image_of_unknown_size_do_no_harm(annotated, label_map):
    path = label_map("a", (CAT, (0, 10), (0, 10)))
    item = annotated("a", Marks(mask=path, scribbles=path), picture=None)
    assert kinds_of(inspect(item)) == {"missing"}


@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(marks=any_marks(), known=st.booleans())
def test_no_marks_stop_it(annotated, marks, known):
    item = annotated("a", marks) if known else annotated("a", marks, picture=None)
    found = inspect(item, workers=1)
    assert found.images == 1
    json.dumps(found.to_json(), allow_nan=False)
    (image,) = found.sample
    overlay_marks(image.item.picture, image.size, image.marks, CLASSES)


@pytest.fixture(scope="module")
def voc(shared):
    """Give 472 images of PASCAL VOC: boxes, tags, clicks and masks."""
    from weakseg.readers.voc_xml import read_voc_xml

    root, classes = shared / "voc" / "VOC2012", ClassList(VOC_CLASSES)
    points = read_points(root.parent / "points.json", classes)
    items = []
    for path in sorted((root / "Annotations").glob("*.xml")):
        item = read_voc_xml(path, classes)
        mask = root / "SegmentationClassAug" / f"{path.stem}.png"
        marks = item.marks + Marks(points=tuple(points.get(path.stem, ())), mask=mask)
        picture = root / "JPEGImages" / f"{path.stem}.jpg"
        items.append(Annotated(path.stem, marks, picture, item.size, path))
    if not items:
        pytest.skip("no PASCAL VOC among the shared files")
    return inspect_marks(items, classes, decode=False)


def test_the_kinds_of_marks_of_pascal_voc_agree(voc):
    assert voc.images == 472
    assert {(pair.equal, pair.differ) for pair in voc.agreement} == {(472, 0)}
    shares = {counts.name: counts.share_in_boxes for counts in voc.classes[1:]}
    # Of one boat, the box leaves out the masts.
    assert shares.pop("boat") > 0.97
    assert min(shares.values()) > 0.99
    assert set(voc.finding_counts) == {"conflict"}


def test_a_huge_stated_size_is_not_drawn_without_the_image(tmp_path):
    marks = Marks(boxes=(Box(CAT, 1, 1, 5, 5),))
    found = inspect(Annotated("a", marks, None, (20_000, 20_000), tmp_path / "a.json"))
    assert found.finding_counts == {"missing": 1, "size": 1, "rare": 2}
    assert found.pixels == 0


def test_classes_whose_names_are_alike_are_found(annotated):
    names = ("background", "cat", "Cat", "traffic_light", "Traffic light", "dog")
    names = (*names, "caf\u00e9", "cafe\u0301")
    found = inspect_marks([annotated("a")], ClassList(names), min_images=0)
    said = [finding.message for finding in found.findings if "class" in finding.message]
    said = [message for message in said if "marked" not in message]
    assert said == [
        "the classes 'cat' and 'Cat' differ in capitals or spaces alone; if they are one, import "
        "with --class-map cat=Cat",
        "the classes 'traffic_light' and 'Traffic light' differ in capitals or spaces alone; if "
        "they are one, import with --class-map 'traffic_light=Traffic light'",
        "the class 'caf\u00e9' is there twice, with composed and with decomposed letters; `weakseg "
        "import` makes them one",
    ]
