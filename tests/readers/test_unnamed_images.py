"""Images that no file of marks names, through imports and inspections."""

import zipfile

import pytest

import weakseg
from weakseg.api.inspect import inspect_data

HEAD = "filename,class,xmin,ymin,xmax,ymax"


@pytest.fixture
def boxes(picture, tmp_path):
    """Write images, and a table of boxes on the first ones."""

    def write(name, images, marked):
        for image in images:
            picture(tmp_path / "in" / "images" / f"{image}.png")
        rows = (f"{image}.png,cat,1,2,4,6" for image in marked)
        table = tmp_path / "in" / name
        table.write_text("\n".join([HEAD, *rows]))
        return table

    return write


def unmarked(findings):
    return [str(finding) for finding in findings if finding.kind == "unmarked"]


def test_images_that_no_file_names_are_counted(boxes, tmp_path):
    table = boxes("t.csv", "abcde", "a")
    said = "4 images are in no file of marks; left out: b.png, c.png, d.png, …"
    says = f"{tmp_path / 'in/images'}: {said}"
    for source in (table, table.parent):
        done = weakseg.import_marks(source, tmp_path / "out", overwrite=True)
        assert unmarked(done.findings) == [says]
    assert unmarked(inspect_data(table).findings) == [says]


def test_images_of_one_file_may_be_named_by_another(boxes, tmp_path):
    one, other = boxes("one.csv", "abc", "a"), boxes("other.csv", "", "bc")
    done = weakseg.import_marks([one, other], tmp_path / "out")
    assert unmarked(done.findings) == []


def test_a_folder_in_a_zip_is_named_with_the_zip(boxes, tmp_path):
    table = boxes("t.csv", "ab", "a")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for file in (table, *(table.parent / "images").iterdir()):
            archive.write(file, file.relative_to(table.parent))
    done = weakseg.import_marks(tmp_path / "x.zip", tmp_path / "out")
    assert unmarked(done.findings) == [
        f"{tmp_path / 'x.zip/images'}: 1 image is in no file of marks; left out: b.png"
    ]


def test_formats_that_count_images_without_marks_are_passed_over(boxes, picture, tmp_path):
    folder = boxes("classes.txt", "ab", "").parent
    (folder / "classes.txt").write_text("background\ncat\n")
    (folder / "tags.csv").write_text("image,class\na,cat\n")
    picture(folder / "images" / "c.png")
    done = weakseg.import_marks(folder, tmp_path / "out")
    assert done.images == 3
    assert not any("in no file of marks" in text for text in unmarked(done.findings))
