import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.writer import writing_data_folder
from weakseg.marks.kinds import Box, Marks, Point
from weakseg.support.errors import RunError

PICTURE = np.full((8, 10, 3), 90, np.uint8)


def write_one(root: Path, *, overwrite: bool = False) -> None:
    names = ["background"]
    with writing_data_folder(root, names, overwrite=overwrite) as writer:
        names.append("cat")  # found while reading
        labels = np.full((8, 10), 254, np.uint8)
        labels[2, 3] = 1
        box, point = Box(1, 0, 1, 4, 5, 7), Point(1, 2.25, 3.5)
        marks = Marks(tags=frozenset({1}), boxes=(box,), points=(point,))
        writer.add("a/one", PICTURE, marks, scribbles=labels)
        writer.finish({"train": ["a/one"]})


def test_what_was_written_is_read_back(tmp_path: Path):
    write_one(tmp_path / "data")
    folder = DataFolder.open(tmp_path / "data")
    classes = folder.classes
    (record,) = folder.split("train")
    assert classes.names == ("background", "cat")
    assert record.name == "a/one"
    assert record.marks.tags == {1}
    assert record.marks.boxes == (Box(1, 0, 1, 4, 5, 7),)
    assert record.marks.points[0].x == 2.25
    assert record.marks.scribbles is not None


def test_an_image_file_is_copied_or_linked_and_never_changed(tmp_path: Path):
    source = tmp_path / "photo.png"
    Image.fromarray(PICTURE).save(source)
    before = source.read_bytes()
    with writing_data_folder(tmp_path / "data", ["background", "cat"]) as writer:
        writer.add("copied", source)
        writer.add("linked", source, link=True)
        writer.finish({})
    assert (tmp_path / "data/images/copied.png").read_bytes() == before
    assert (tmp_path / "data/images/linked.png").is_symlink()
    assert source.read_bytes() == before


def test_a_folder_in_the_way_is_refused_or_replaced_when_asked(tmp_path: Path):
    write_one(tmp_path / "data")
    with pytest.raises(RunError, match="--overwrite"):
        write_one(tmp_path / "data")
    write_one(tmp_path / "data", overwrite=True)


def test_a_folder_that_is_no_data_folder_is_never_replaced(tmp_path: Path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="leaves it alone"):
        write_one(tmp_path / "home", overwrite=True)
    assert (tmp_path / "home" / "letter.txt").read_text() == "dear"


def stop_halfway(root: Path) -> None:
    with writing_data_folder(root, ["background"]) as writer:
        writer.add("one", PICTURE)
        raise ValueError("stop")


def test_an_error_leaves_neither_the_folder_nor_its_parts(tmp_path: Path):
    with pytest.raises(ValueError, match="stop"):
        stop_halfway(tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def fail_to_write(*_: object) -> None:
    raise RunError("mask.png: the disk is full")


def add_masks(root: Path, count: int, error: Exception | None = None) -> None:
    with writing_data_folder(root, ["background"]) as writer:
        for number in range(count):
            writer.add(str(number), PICTURE, mask=np.full((8, 10), number, np.uint8))
        if error:
            raise error
        writer.finish({})


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_label_map_that_cannot_be_written_stops_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
):
    monkeypatch.setattr("weakseg.datasets.writer.write_label_map", fail_to_write)
    with pytest.raises(RunError, match="the disk is full"):
        add_masks(tmp_path / "data", count)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stop", [ValueError("stop"), KeyboardInterrupt("stop")])
def test_an_error_beside_a_label_map_is_the_one_that_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: Exception
):
    monkeypatch.setattr("weakseg.datasets.writer.write_label_map", fail_to_write)
    with pytest.raises(type(stop), match="stop"):
        add_masks(tmp_path / "data", 1, stop)
    assert list(tmp_path.iterdir()) == []


def test_all_label_maps_are_there_at_the_end_and_no_thread_is_left(tmp_path: Path):
    before = threading.active_count()
    add_masks(tmp_path / "data", 30)
    assert threading.active_count() == before
    for number in range(30):
        with Image.open(tmp_path / f"data/masks/{number}.png") as mask:
            assert np.array(mask).tolist() == np.full((8, 10), number).tolist()
