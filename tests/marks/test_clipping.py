import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from weakseg.marks.clipping import clip_marks
from weakseg.marks.kinds import Box, Marks, Point, Polygon, Region, Stroke

SIZE = (20, 30)
number = st.integers(-60, 60)


def test_marks_inside_stay_as_they_are():
    marks = Marks(
        boxes=(Box(1, 0, 0, 29, 19),),
        points=(Point(1, 30, 20),),
        strokes=(Stroke(1, ((1, 1), (30.5, 1))),),
        polygons=(Polygon(1, (((-0.5, -1), (31, -1), (31, 21)),)),),
    )
    assert clip_marks(marks, SIZE) == (marks, ())


def test_a_box_over_the_border_is_cut_off_and_told():
    marks, findings = clip_marks(Marks(boxes=(Box(1, -4, 5, 35, 40),)), SIZE)
    assert marks.boxes == (Box(1, 0, 5, 29, 19),)
    assert "1 of 1 box over" in findings[0].message


def test_a_box_whose_edges_are_fractions_ends_on_the_last_pixel():
    marks, _ = clip_marks(Marks(boxes=(Box(1, 0.5, 1.5, 29.5, 18.5),)), SIZE)
    assert marks.boxes == (Box(1, 0.5, 1.5, 29, 18.5),)


def test_lines_and_outlines_over_the_border_are_drawn_as_they_are_and_told():
    marks = Marks(
        strokes=(Stroke(1, ((1, 1), (40, 1))), Stroke(1, ((1, 1), (2, 1)))),
        polygons=(Polygon(1, (((-5, -5), (50, -5), (50, 50)),)),),
    )
    same, findings = clip_marks(marks, SIZE)
    assert same == marks
    assert [finding.message.partition(" over")[0] for finding in findings] == [
        "1 of 2 strokes",
        "1 of 1 polygon",
    ]


def test_a_painted_area_over_the_border_is_told_and_its_empty_frame_is_not():
    frame = np.zeros((4, 4), bool)
    frame[:2, :2] = True
    inside, over = (Region.from_mask(1, mask, 28, 18) for mask in (frame, frame | True))
    assert clip_marks(Marks(regions=(inside,)), SIZE) == (Marks(regions=(inside,)), ())
    marks, (finding,) = clip_marks(Marks(regions=(inside, over)), SIZE)
    assert marks.regions == (inside, over)
    assert finding.message == "1 of 2 regions over the image's border; cut off there"


def test_marks_wholly_outside_are_left_out_and_counted_by_kind():
    marks, findings = clip_marks(
        Marks(
            boxes=(Box(1, 40, 0, 50, 5), Box(1, 0, 0, 5, 5)),
            points=(Point(1, -3, 4),),
            strokes=(Stroke(1, ((-9, -9), (-5, -7))),),
            regions=(Region(1, 2, 2, (0, 4), x=30, y=3),),
        ),
        SIZE,
    )
    assert marks == Marks(boxes=(Box(1, 0, 0, 5, 5),))
    assert [finding.message.split(" outside")[0] for finding in findings] == [
        "1 of 1 points",
        "1 of 2 boxes",
        "1 of 1 strokes",
        "1 of 1 regions",
    ]


def test_a_click_a_fraction_outside_moves_to_the_border():
    marks, findings = clip_marks(Marks(points=(Point(1, -0.4, 20.9),)), SIZE)
    assert marks.points == (Point(1, 0.0, 20.0),)
    assert findings == ()


@given(number, number, number, number)
def test_a_clipped_box_lies_inside_the_image(x, y, width, height):
    marks, _ = clip_marks(Marks(boxes=(Box(1, x, y, x + abs(width), y + abs(height)),)), SIZE)
    for box in marks.boxes:
        assert 0 <= box.xmin <= box.xmax < 30
        assert 0 <= box.ymin <= box.ymax < 20
