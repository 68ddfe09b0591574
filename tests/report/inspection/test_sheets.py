from pathlib import Path

from PIL import Image

from weakseg.inspection.dataset_inspection import inspect_marks
from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import Box, Marks
from weakseg.marks.palette import class_palette
from weakseg.report.inspection.sheets import contact_sheets
from weakseg.report.kit.pictures import MAX_WIDTH

CAT = 1


def test_names_of_any_length_and_script_are_drawn(tmp_path, annotated):
    nasty = ("background", "x" * 500, "a\nb\tc", "größer", "猫", "\u202eabc", " ")
    classes = ClassList(nasty)
    marks = Marks(
        frozenset(range(1, 7)), tuple(Box(number, 50, 30, 59, 39) for number in range(1, 7))
    )
    inspection = inspect_marks([annotated("深い/folder\n/" + "y" * 90, marks)], classes)
    (sheet,) = contact_sheets(inspection, classes, tmp_path / "sheets")
    assert Image.open(sheet).width > 4 * MAX_WIDTH


def test_twenty_images_fill_a_sheet(annotated, tmp_path):
    classes = ClassList(("background", *(f"class {number}" for number in range(1, 46))))
    items = [annotated(f"{i}", Marks(tags=frozenset({i}))) for i in range(1, 46)]
    sheets = contact_sheets(inspect_marks(items, classes), classes, tmp_path / "out")
    assert sheets == [tmp_path / "out" / f"marks-{number}.png" for number in (1, 2, 3)]
    pictures = [Image.open(sheet) for sheet in sheets]
    assert pictures[2].height < pictures[1].height / 2
    seen = {colour for picture in pictures for _, colour in picture.getcolors(2**24)}
    assert set(map(tuple, class_palette()[1:46].tolist())) <= seen


def test_without_images_there_is_no_sheet(classes, tmp_path):
    assert contact_sheets(inspect_marks([], classes), classes, tmp_path) == []


def test_pictures_that_vanish_after_the_inspection_do_no_harm(
    annotated, classes, label_map, tmp_path
):
    item = annotated("a", Marks(mask=label_map("a", (CAT, (0, 9), (0, 9)))))
    inspection = inspect_marks([item], classes)
    item.picture.unlink()
    item.marks.mask.unlink()
    assert contact_sheets(inspection, classes, tmp_path)[0].is_file()


def test_no_file_is_left_half_written(annotated, classes, tmp_path: Path):
    out = tmp_path / "out"
    contact_sheets(inspect_marks([annotated("a")], classes), classes, out)
    assert [path.name for path in out.iterdir()] == ["marks-1.png"]
