import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.measure import label
from skimage.segmentation import quickshift

from weakseg.oversegments.region_maps import load_oversegment, save_oversegment
from weakseg.oversegments.user_maps import check_region_maps, user_region_maps, whole_regions
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
    save_oversegment(tmp_path / "own" / "a.png", np.array([[0, 1], [2, 3]], np.int32))
    return found


def write_masks(folder: Path, counts: list[int]) -> Path:
    path = folder / "sub" / "b.v2.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([{"segmentation": {"size": [2, 2], "counts": counts}}]))
    return path


def test_maps_are_checked_and_those_of_one_region_are_named(images, tmp_path):
    own = tmp_path / "own"
    save_oversegment(own / "sub/b.v2.png", np.zeros((2, 2), np.int32))
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
    assert load_oversegment(made / "a.png").tolist() == [[0, 1], [2, 3]]
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


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ([[0, 1], [1, 0]], [[0, 1], [2, 3]]),  # ids in two pieces
        ([[0, 5], [0, 5]], [[0, 1], [0, 1]]),  # a gap
        ([[3, 3], [3, 3]], [[0, 0], [0, 0]]),
    ],
)
def test_ids_in_pieces_and_gaps_become_regions_of_their_own_and_are_said(
    images, tmp_path, caplog, given, whole
):
    own = tmp_path / "own"
    save_oversegment(own / "sub/b.v2.png", np.array(given, np.int32))
    folder = user_region_maps(images, own, tmp_path / "c")
    assert folder != own
    assert load_oversegment(folder / "sub/b.v2.png").tolist() == whole
    assert load_oversegment(folder / "a.png").tolist() == [[0, 1], [2, 3]]
    assert "1 of 2 region maps have ids in several pieces or gaps" in caplog.text
    assert load_oversegment(own / "sub/b.v2.png").tolist() == given  # the user's file is only read


def test_the_pieces_of_quickshift_are_connected_and_of_one_id():
    rng = np.random.default_rng(0)
    regions = quickshift(rng.random((40, 50, 3)), kernel_size=2, max_dist=4, rng=0)
    pieces = whole_regions(regions.astype(np.int32))
    assert pieces.max() + 1 >= np.unique(regions).size
    for number in range(0, int(pieces.max()) + 1, 7):
        inside = pieces == number
        assert label(inside, connectivity=1).max() == 1
        assert np.unique(regions[inside]).size == 1
