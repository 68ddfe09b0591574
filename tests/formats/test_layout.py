from PIL import Image

from weakseg.formats.layout import files_by_name, first_files, photo_of
from weakseg.formats.source import SourceOptions


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_files_are_found_by_their_path_without_the_ending_but_hidden_ones_are_not(tmp_path):
    for name in ("b/a.b.XML", "c.xml", ".hidden.xml", ".folder/d.xml", "e.txt", "f.xml/g.txt"):
        touch(tmp_path / name)
    assert files_by_name(tmp_path, ".xml") == {
        "b/a.b": tmp_path / "b/a.b.XML",
        "c": tmp_path / "c.xml",
    }
    assert files_by_name(tmp_path / "missing", ".xml") == {}


def test_a_few_files_are_looked_at_where_the_first_pattern_finds_any(tmp_path):
    for name in ("b/1.xml", "b/2.xml", "c/3.XML", "c/4.xml"):
        touch(tmp_path / name)
    assert first_files(tmp_path, ".xml") == []
    found = first_files(tmp_path, ".xml", ("*", "*/*"))
    assert [path.name for path in found] == ["1.xml", "2.xml", "3.XML"]
    assert first_files(found[0], ".xml") == found[:1]
    assert first_files(found[0], ".png") == []


def test_the_users_folder_of_images_comes_first(tmp_path):
    label_map = touch(tmp_path / "maps/a.png")
    for folder in ("images", "mine"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (3, 3)).save(tmp_path / folder / "a.png")
    options = SourceOptions(images=(tmp_path / "mine",))
    assert photo_of(label_map, "a", label_map.parent, options) == tmp_path / "mine/a.png"
    found = photo_of(label_map, "a", label_map.parent, SourceOptions())
    assert found == tmp_path / "images/a.png"
