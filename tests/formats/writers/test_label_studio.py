import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from weakseg.formats.source import SourceOptions
from weakseg.formats.writers.label_studio import write_label_studio
from weakseg.marks.classes import ClassList, OpenClassList
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.rasterize import rasterize
from weakseg.readers.label_studio import LABEL_STUDIO
from weakseg.support.errors import DataError

CLASSES = ClassList(("background", "cat", "Löwe"))
LABELS = np.array([[0, 1, 1], [254, 2, 255]], np.uint8)

label_maps = arrays(
    np.uint8,
    array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.sampled_from([0, 1, 2, UNLABELLED, VOID]),
)


def accept_predictions(path):
    """Do what a person does who accepts all predictions and exports them."""
    tasks = json.loads(path.read_text(encoding="utf-8"))
    for task in tasks:
        task["annotations"] = task.pop("predictions")
    path.write_text(json.dumps(tasks))


@settings(deadline=None)
@given(maps=st.lists(label_maps, max_size=3))
def test_label_maps_are_the_same_after_writing_accepting_and_reading(tmp_path_factory, maps):
    path = tmp_path_factory.mktemp("tasks") / "tasks.json"
    write_label_studio(
        path,
        [(f"{i}.jpg", labels, None) for i, labels in enumerate(maps)],
        CLASSES,
        background=True,
    )
    accept_predictions(path)
    items = list(LABEL_STUDIO.read(path, OpenClassList(CLASSES.names), SourceOptions()))
    assert [item.name for item in items] == [str(i) for i in range(len(maps))]
    for item, labels in zip(items, maps, strict=True):
        expected = np.where(labels == VOID, UNLABELLED, labels)
        assert (rasterize(item.marks, labels.shape, CLASSES) == expected).all()


def test_tasks_are_of_the_form_that_the_tool_imports(tmp_path):
    items = [("/data/local-files/?d=a.jpg", LABELS, 0.75), ("b.jpg", LABELS, None)]
    write_label_studio(
        tmp_path / "a.json",
        items,
        CLASSES,
        background=True,
        from_name="brush",
        to_name="picture",
        model_version="run 3",
    )
    first, second = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert first["data"] == {"image": "/data/local-files/?d=a.jpg"}
    (prediction,) = first["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("run 3", 0.75)
    assert "score" not in second["predictions"][0]
    names = [result["value"]["brushlabels"] for result in prediction["result"]]
    assert names == [["background"], ["cat"], ["Löwe"]]
    for result in prediction["result"]:
        assert (result["type"], result["value"]["format"]) == ("brushlabels", "rle")
        assert (result["from_name"], result["to_name"]) == ("brush", "picture")
        assert (result["original_height"], result["original_width"]) == (2, 3)
    assert len({result["id"] for result in prediction["result"]}) == 3


def test_the_official_checks_of_a_prediction_are_passed(tmp_path):
    interface = pytest.importorskip("label_studio_sdk.label_interface")
    labels = "".join(f'<Label value="{name}"/>' for name in CLASSES.names)
    config = interface.LabelInterface(
        '<View><Image name="image" value="$image"/>'
        f'<BrushLabels name="label" toName="image">{labels}</BrushLabels></View>'
    )
    write_label_studio(tmp_path / "a.json", [("a.jpg", LABELS, 0.5)], CLASSES)
    (task,) = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    (prediction,) = task["predictions"]
    assert config.validate_prediction(prediction, return_errors=True) == []


def test_no_items_make_an_empty_list(tmp_path):
    write_label_studio(tmp_path / "a.json", [], CLASSES)
    assert json.loads((tmp_path / "a.json").read_text()) == []


def test_items_are_taken_one_at_a_time(tmp_path):
    taken = []

    def items():
        for number in range(3):
            taken.append(number)
            yield f"{number}.jpg", LABELS if number < 1 else np.full((1, 1), 9, np.uint8), None

    with pytest.raises(DataError, match=r"image '1.jpg': the label map holds id 9"):
        write_label_studio(tmp_path / "a.json", items(), CLASSES)
    assert taken == [0, 1]
    assert list(tmp_path.iterdir()) == []
