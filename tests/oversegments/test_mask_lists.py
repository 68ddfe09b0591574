"""Lists of masks as SAM writes them: SA-1B's files and its mask generator's lists."""

import copy
import json
import random
from pathlib import Path

import numpy as np
import pytest

from weakseg.oversegments.mask_lists import read_mask_list
from weakseg.support.errors import DataError

SIZE = (6, 9)


def runs_of(mask: np.ndarray) -> list[int]:
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat, prepend=False))
    return np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()


def packed(runs: list[int]) -> str:
    """COCO's text for run lengths, by its definition."""
    text = ""
    for place, run in enumerate(runs):
        number = run - (runs[place - 2] if place > 2 else 0)
        more = True
        while more:
            digit = number & 31
            number >>= 5
            more = number != (-1 if digit & 16 else 0)
            text += chr(48 + (digit | 32 * more))
    return text


def item(rows: slice, columns: slice, *, as_text: bool = False, **more: object) -> dict:
    mask = np.zeros(SIZE, bool)
    mask[rows, columns] = True
    runs = runs_of(mask)
    return {
        "segmentation": {"size": list(SIZE), "counts": packed(runs) if as_text else runs},
        "area": int(mask.sum()),
        **more,
    }


def write(path: Path, tree: object) -> Path:
    path.write_text(json.dumps(tree))
    return path


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("as_list", [False, True])
def test_masks_become_regions_in_either_layout(tmp_path: Path, as_text: bool, as_list: bool):
    masks = [
        item(np.s_[:2], np.s_[:4], as_text=as_text),
        item(np.s_[3:], np.s_[2:], as_text=as_text),
    ]
    tree = masks if as_list else {"image": {"height": 6, "width": 9}, "annotations": masks}
    regions = read_mask_list(write(tmp_path / "a.json", tree), SIZE)
    expected = np.zeros(SIZE, int)
    expected[3:, 2:] = 1
    expected[:2, :4] = 2
    assert regions.dtype == np.int32
    assert np.array_equal(regions, expected)


@pytest.mark.parametrize("order", [1, -1])
def test_smaller_masks_lie_over_larger_ones_in_any_order(tmp_path: Path, order: int):
    masks = [item(np.s_[:], np.s_[1:]), item(np.s_[1:5], np.s_[2:8]), item(np.s_[2:3], np.s_[3:5])]
    regions = read_mask_list(write(tmp_path / "a.json", masks[::order]), SIZE)
    assert [regions[place] for place in ((0, 0), (0, 1), (1, 2), (2, 3))] == [0, 1, 2, 3]


def test_the_masks_decide_which_is_smaller_and_not_the_area_said(tmp_path: Path):
    large, small = item(np.s_[:], np.s_[:]), item(np.s_[1:3], np.s_[1:3])
    large["area"] = 1
    regions = read_mask_list(write(tmp_path / "a.json", [small, large]), SIZE)
    assert (regions > 0).sum() == 4


def test_hidden_and_empty_masks_leave_no_gap_in_the_ids(tmp_path: Path):
    masks = [item(np.s_[:], np.s_[:5]), item(np.s_[:], np.s_[:5]), item(np.s_[:0], np.s_[:])]
    regions = read_mask_list(write(tmp_path / "a.json", masks), SIZE)
    assert np.unique(regions).tolist() == [0, 1]


def test_no_mask_at_all_is_one_region(tmp_path: Path):
    assert not read_mask_list(write(tmp_path / "a.json", []), SIZE).any()


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"masks": []}, "expected a list as the list of masks"),
        ([3], r"mask 1: expected an object as a mask"),
        ([{"segmentation": [[1, 2, 3]]}], "mask 1: expected an object as 'segmentation'"),
        ([{"segmentation": {"size": [9, 6], "counts": [54]}}], r"mask 1: the mask .*\(9, 6\)"),
        ([{"segmentation": {"size": [6, 9], "counts": [50]}}], "mask 1: expected runs over 6 × 9"),
        ([{"segmentation": {"size": [6, 9], "counts": [-1, 55]}}], "lengths of runs, but got -1"),
        ([{"segmentation": {"size": [1e9, 1e9], "counts": [10**18]}}], "1 to 4000000000 pixels"),
        ([{"segmentation": {"size": [6, 9], "counts": "~~~"}}], "mask 1: expected run"),
        ([{"segmentation": {"size": [6], "counts": "54"}}], "height and width"),
    ],
)
def test_a_wrong_list_is_explained(tmp_path: Path, tree: object, message: str):
    path = write(tmp_path / "a.json", tree)
    with pytest.raises(DataError, match=message) as caught:
        read_mask_list(path, SIZE)
    assert caught.value.path == path


def test_more_masks_than_a_map_can_number_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="fewer than 65536 masks"):
        read_mask_list(write(tmp_path / "a.json", [0] * 65536), SIZE)


JUNK = (None, True, "x", "", -1, 1e30, float("nan"), 10**40, [], {}, [[]], "9" * 400)


def test_damaged_lists_end_in_an_error_or_in_regions(tmp_path: Path):
    sound = {"annotations": [item(np.s_[:2], np.s_[:4], as_text=True), item(np.s_[3:], np.s_[2:])]}
    rng = random.Random(0)
    refused = 0
    for _ in range(300):
        text = json.dumps(damaged(sound, rng)).encode()
        if rng.random() < 0.3:
            text = text[: rng.randrange(len(text))]
        (tmp_path / "a.json").write_bytes(text)
        try:
            assert read_mask_list(tmp_path / "a.json", SIZE).shape == SIZE
        except DataError:
            refused += 1
    assert refused > 100


def damaged(tree: object, rng: random.Random) -> object:
    tree = copy.deepcopy(tree)
    holder, key = rng.choice(list(places(tree)))
    holder[key] = rng.choice(JUNK)
    return tree


def places(tree):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(items):
        yield tree, key
        if isinstance(value, dict | list):
            yield from places(value)
