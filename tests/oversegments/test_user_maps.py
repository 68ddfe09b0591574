import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.oversegments.region_maps import load_oversegment, save_oversegment
from weakseg.oversegments.user_maps import check_region_maps, user_region_maps
from weakseg.support.errors import DataError


@pytest.fixture
def images(tmp_path: Path) -> list[tuple[str, Path]]:
    """Two photographs of 2 × 2; the first has a map as a picture in `own`."""
    found = []
    for name in ("a", "sub/b.v2"):
        path = tmp_path / "images" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(path)
        found.append((name, path))
    save_oversegment(tmp_path / "own" / "a.png", np.array([[0, 1], [2, 7]], np.int32))
    return found


def write_masks(folder: Path, counts: list[int]) -> Path:
    path = folder / "sub" / "b.v2.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([{"segmentation": {"size": [2, 2], "counts": counts}}]))
    return path


def test_maps_are_checked_and_those_of_one_region_are_named(images, tmp_path):
    own = tmp_path / "own"
    save_oversegment(own / "sub/b.v2.png", np.full((2, 2), 3, np.int32))
    assert user_region_maps(images, own, tmp_path / "c") == own
    assert check_region_maps(images, own) == ["sub/b.v2"]
    save_oversegment(own / "a.png", np.zeros((3, 2), np.int32))
    with pytest.raises(DataError, match=r"a.png: the region map \(H, W\) is \(3, 2\)"):
        check_region_maps(images, own)
    (own / "a.png").unlink()
    with pytest.raises(DataError, match=r"a.png: there is no such region map"):
        check_region_maps(images, own)


def test_lists_of_masks_become_maps_beside_the_others(images, tmp_path):
    write_masks(tmp_path / "own", [0, 2, 2])
    made = user_region_maps(images, tmp_path / "own", tmp_path / "c")
    assert made.parent == tmp_path / "c"
    assert load_oversegment(made / "a.png").tolist() == [[0, 1], [2, 7]]
    assert load_oversegment(made / "sub/b.v2.png").tolist() == [[1, 0], [1, 0]]
    assert check_region_maps(images, made) == []


def test_a_changed_list_of_masks_is_read_again(images, tmp_path):
    def made() -> list:
        folder = user_region_maps(images, tmp_path / "own", tmp_path / "c")
        return load_oversegment(folder / "sub/b.v2.png").tolist()

    write_masks(tmp_path / "own", [0, 2, 2])
    assert made() == [[1, 0], [1, 0]]
    write_masks(tmp_path / "own", [3, 1])
    assert made() == [[0, 0], [0, 1]]


def test_a_damaged_list_of_masks_is_named(images, tmp_path):
    path = write_masks(tmp_path / "own", [3])
    with pytest.raises(DataError, match=r"b\.v2\.json, mask 1: expected runs over 2 × 2") as caught:
        user_region_maps(images, tmp_path / "own", tmp_path / "c")
    assert caught.value.path == path


def test_a_missing_map_is_named_where_others_are_lists(images, tmp_path):
    write_masks(tmp_path / "own", [0, 2, 2])
    (tmp_path / "own" / "a.png").unlink()
    with pytest.raises(DataError, match=r"a\.png: there is no such region map"):
        user_region_maps(images, tmp_path / "own", tmp_path / "c")
