from PIL import Image

from weakseg.formats.pictures import find_picture, photo_of
from weakseg.formats.source import SourceOptions


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_the_users_folder_of_images_comes_first(tmp_path):
    label_map = touch(tmp_path / "maps/a.png")
    for folder in ("images", "mine"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (3, 3)).save(tmp_path / folder / "a.png")
    options = SourceOptions(images=(tmp_path / "mine",))
    assert photo_of(label_map, "a", label_map.parent, options) == tmp_path / "mine/a.png"
    found = photo_of(label_map, "a", label_map.parent, SourceOptions())
    assert found == tmp_path / "images/a.png"


def test_a_folder_data_beside_the_file_holds_images_as_fiftyone_writes_them(tmp_path):
    picture = touch(tmp_path / "data/sub/a.jpg")
    assert find_picture("sub/a.jpg", tmp_path / "labels.json", SourceOptions()) == picture
