import json
import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weakseg.readers.coco_index import CocoIndex
from weakseg.support import json_stream

ids = st.integers(0, 5) | st.sampled_from(["a", "5", 2.0, None, True, [1], 2.5])
annotations = st.fixed_dictionaries(
    {"image_id": ids, "category_id": st.integers(0, 2)},
    optional={
        "bbox": st.sampled_from([None, [], [1, 2, 3, 4]]),
        "segmentation": st.sampled_from([[], [[1, 2, 3, 4, 5, 6]], {"counts": "é"}]),
        "caption": st.text(st.characters(codec="utf-8")),
        "iscrowd": st.sampled_from([0, 1, 1.0, "1", None]),
        "id": st.sampled_from([1, 900_100_000_000, 900_100_000_000.0]),
        "keypoints": st.just([1, 2, 2]),
        "segments_info": st.sampled_from([[], [{"id": 1}]]),
    },
)
listed = st.lists(annotations | st.sampled_from([None, 3, "x"]), max_size=8)


def written(tree, path, seed):
    rng = random.Random(seed)
    keys = sorted(tree)
    rng.shuffle(keys)
    text = json.dumps({key: tree[key] for key in keys}, indent=rng.choice([None, 1]))
    path.write_text(text, encoding=rng.choice(["utf-8", "utf-8-sig", "utf-16"]))
    return path


def is_id(value):
    return isinstance(value, int | str | float) and value is not True and value != 2.5


@settings(deadline=None)
@given(listed=listed, seed=st.integers(0, 999), chunk=st.integers(1, 99))
def test_the_annotations_of_each_image_are_those_of_the_whole_tree(
    tmp_path_factory, listed, seed, chunk
):
    tree = {"images": [{"id": 3, "url": "x"}, 7], "annotations": listed, "info": {"a": [1]}}
    path = written(tree, tmp_path_factory.mktemp("coco") / "a.json", seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", chunk)
        index = CocoIndex(path)
    of_image = {}
    for number, one in enumerate(listed, 1):
        if isinstance(one, dict) and is_id(one["image_id"]):
            of_image.setdefault(one["image_id"], []).append((number, one))
    images = [*of_image, 77]
    read = index.read(images)
    for image in images:
        numbers = index.places.numbers(image)
        assert [(number, next(read)) for number in numbers] == of_image.get(image, [])
    assert list(read) == []
    assert index.images == [{"id": 3, "file_name": None, "height": None, "width": None}, 7]
    assert index.tree == {"images": [], "annotations": [], "info": {"a": [1]}}
    whole = sum(map(len, of_image.values()))
    assert len(index.damaged) == len(listed) - whole
    lost = [pair for key, pairs in of_image.items() if key not in (2, "a") for pair in pairs]
    first = min(lost, default=None, key=lambda pair: pair[0])
    expected = first and (first[0], first[1]["image_id"], len(lost))
    assert index.places.lost([2, "a"]) == expected


def test_reading_a_file_takes_a_fraction_of_its_size(tmp_path):
    path = tmp_path / "a.json"
    ring = [number + 0.25 for number in range(150)]
    listed = [
        {"id": number, "image_id": number % 50, "segmentation": [ring]} for number in range(5000)
    ]
    path.write_text(json.dumps({"images": [{"id": 1}], "annotations": listed, "categories": []}))
    tracemalloc.start()
    try:
        index = CocoIndex(path)
        read = sum(len(one["segmentation"][0]) for one in index.read(range(50)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read == 150 * 5000
    assert peak < path.stat().st_size / 4


@settings(deadline=None)
@given(listed=listed, seed=st.integers(0, 999))
def test_the_survey_counts_what_the_whole_tree_holds(tmp_path_factory, listed, seed):
    tree = {"images": [], "annotations": listed}
    survey = CocoIndex(written(tree, tmp_path_factory.mktemp("coco") / "a.json", seed)).survey
    objects = [one for one in listed if isinstance(one, dict)]
    crowds = [one for one in objects if one.get("iscrowd") == 1]
    shapes = ("bbox", "segmentation", "keypoints", "segments_info")
    assert survey.annotations == len(listed)
    assert survey.has_shape == any(one.get(key) for one in objects for key in shapes)
    assert survey.is_panoptic == any("segments_info" in one for one in objects)
    assert survey.names_category_0 == any(one["category_id"] == 0 for one in objects)
    assert survey.crowds == len(crowds)
    assert survey.published_crowds == any(
        type(one.get("id")) is int and one["id"] > 900_000_000_000 for one in crowds
    )
    boxed = [one for one in objects if one.get("bbox")]
    assert survey.outlined == any(one.get("segmentation") for one in objects)
    assert survey.without_outline == sum(one.get("segmentation") == [] for one in boxed)
    assert survey.bare_box == any(not one.get("segmentation") for one in boxed)
