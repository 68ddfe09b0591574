import pytest

from weakseg.marks.classes import ClassList
from weakseg.marks.kinds import Box
from weakseg.marks.tables import first_header, read_boxes, read_table, read_tags
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError

CLASSES = ClassList(("background", "cat", "dog"))
BOXES = "image,class,xmin,ymin,xmax,ymax\n"


def write(path, text):
    path.write_text(text)
    return path


def test_rows_are_given_by_column_with_what_has_no_column_apart(tmp_path):
    path = write(tmp_path / "a.csv", "\ufeffimage, class,\n a,cat,x, y\n\n,,\nb,dog\n")
    assert list(read_table(path, ("image", "class"))) == [
        (Entry(path, "line 2"), {"image": "a", "class": "cat", "": "x,y"}),
        (Entry(path, "line 5"), {"image": "b", "class": "dog", "": ""}),
    ]


def test_boxes_are_given_by_image_whatever_its_ending(tmp_path):
    path = write(tmp_path / "b.csv", f"{BOXES}a.jpg,cat,1,2,3.5,4\na,2,0,0,0,0\n")
    assert read_boxes(path, CLASSES) == {"a": [Box(1, 1, 2, 3.5, 4), Box(2, 0, 0, 0, 0)]}


@pytest.mark.parametrize(
    "text",
    [
        "image,class\na.png,cat\na,dog\n",
        "image,class\na,cat,dog\n",
        'image,class\na,"cat, dog,"\n',
        "image,class,,\na,cat,dog,\n",
        "image,class,more\na,cat,dog\n",
        "class,image\n1,a\n2,a\n",
    ],
)
def test_tags_may_be_written_in_many_ways(tmp_path, text):
    assert read_tags(write(tmp_path / "t.csv", text), CLASSES) == {"a": {1, 2}}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,cat,1,2,3,4,5\nb,cow,1,2,3,4", "line 3: class 'cow' is not among the 3"),
        ("a,cat,3,2,1,4", "line 2: expected xmin ≤ xmax and ymin ≤ ymax"),
        ("a,cat,1,2,inf,4", "line 2: expected a number as xmax, but got 'inf'"),
        ("a,cat,1,2,3", "line 2: ymax is empty"),
        (",cat,1,2,3,4", "line 2: image is empty"),
        ('a,"cat,1,2,3,4', "is not readable as csv"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        read_boxes(write(tmp_path / "b.csv", f"{BOXES}{row}\n"), CLASSES)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("image|class", r"expected the header image,class, but got image\|class"),
        ("image,class,class", "line 1: column 'class' is there twice"),
        ("", "line 2: expected the header image,class, but got a,cat,dog"),
    ],
)
def test_a_wrong_header_is_refused(tmp_path, header, message):
    with pytest.raises(DataError, match=message):
        read_tags(write(tmp_path / "t.csv", f"{header}\na,cat,dog\n"), CLASSES)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_of_spreadsheets_are_read(tmp_path, encoding, separator):
    header, row = BOXES.strip().split(","), ["Köln (1).jpg", "cat", "1", "2", "3", "4"]
    lines = [separator.join(fields) for fields in (header, row)]
    path = tmp_path / "boxes.csv"
    path.write_text("\r\n".join(lines), encoding=encoding)
    assert first_header(path) == header
    assert read_boxes(path, CLASSES) == {"Köln (1)": [Box(1, 1, 2, 3, 4)]}


def test_decimal_commas_are_read_where_semicolons_separate(tmp_path):
    path = write(tmp_path / "b.csv", f"{BOXES.replace(',', ';')}a, b.jpg;cat;1,5;2;3,25;4\n")
    assert read_boxes(path, CLASSES) == {"a, b": [Box(1, 1.5, 2, 3.25, 4)]}


def test_a_table_in_another_encoding_is_refused_with_the_line(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text(f"{BOXES}a,cat,1,2,3,4\nKöln,cat,1,2,3,4\n", encoding="cp1252")
    with pytest.raises(DataError, match=r"line 3: .*0xF6 .*'ö' in Windows-1252\): save .* UTF-8"):
        read_boxes(path, CLASSES)


def test_an_empty_table_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"line 1: expected the header .* but got an empty file"):
        read_boxes(write(tmp_path / "b.csv", ""), CLASSES)


def test_two_rows_in_one_are_a_bad_row_and_not_the_first_of_them(tmp_path):
    path = tmp_path / "boxes.csv"
    head = "image,class,xmin,ymin,xmax,ymax"
    path.write_text(
        f"{head}\na,cat,1,2,3,4,b,cat,1,2,3,4\nc,cat,1,2,3,41,cat,1,2,3,4\nd,cat,1,2,3,4\n"
    )
    bad = []
    assert list(read_boxes(path, CLASSES, on_bad_row=bad.append)) == ["d"]
    assert [str(error).partition(", ")[2] for error in bad] == [
        "line 2: expected 6 values, but got 12, as of two rows in one",
        "line 3: expected 6 values, but got 11, as of two rows in one",
    ]
