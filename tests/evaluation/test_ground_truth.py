import numpy as np
import pytest
from PIL import Image

from weakseg.evaluation.ground_truth import find_instance_maps, instance_note, read_truth
from weakseg.support.errors import DataError


def write(path, values, dtype=np.uint8):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(values, dtype)).save(path)
    return path


@pytest.mark.parametrize("name", ["SegmentationObject", "instances"])
def test_instance_maps_are_found_in_the_folders_of_the_data(tmp_path, name):
    path = write(tmp_path / name / "street/a.png", [[1]])
    assert find_instance_maps(tmp_path, ["street/a", "b"]) == {"street/a": path}
    assert find_instance_maps(tmp_path / name, ["street/a"]) == {}


def test_a_named_folder_wins_and_must_be_there(tmp_path):
    write(tmp_path / "instances" / "a.png", [[1]])
    own = write(tmp_path / "own" / "a.png", [[1]])
    assert find_instance_maps(tmp_path, ["a"], tmp_path / "own") == {"a": own}
    with pytest.raises(DataError, match="nowhere: expected a folder of instance maps"):
        find_instance_maps(tmp_path, ["a"], tmp_path / "nowhere")
    with pytest.raises(DataError, match="own: expected maps of 1 images, but got none"):
        find_instance_maps(tmp_path, ["b"], tmp_path / "own")


def test_the_note_says_how_many_images_have_no_given_instances():
    assert instance_note(3, 8) == "instances as given, connected regions in 5 images without"


def test_a_truth_is_read_with_its_instances_where_they_are_given(tmp_path):
    mask = write(tmp_path / "a.png", [[0, 1, 255]])
    maps = {"a": write(tmp_path / "ids.png", [[0, 300, 0]], np.uint16)}
    truth, instances = read_truth("a", mask, 2, maps, (1, 3))
    assert truth.tolist() == [[0, 1, 255]]
    assert instances is not None
    assert instances.tolist() == [[0, 300, 0]]
    assert read_truth("b", mask, 2, maps)[1] is None
    with pytest.raises(DataError, match=r"a\.png: .*\(1, 3\) while its image is \(2, 3\)"):
        read_truth("a", mask, 2, maps, (2, 3))
    write(tmp_path / "ids.png", [[0]])
    with pytest.raises(DataError, match=r"ids\.png: the instance map \(H, W\) is \(1, 1\)"):
        read_truth("a", mask, 2, maps)
