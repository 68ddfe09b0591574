"""Tables of classes, and a folder's own list of them."""

import importlib

import pytest

from weakseg.formats.class_tables import CAMVID, CITYSCAPES, MAPILLARY, read_label_colours
from weakseg.support.errors import DataError


def datumaro(module, name):
    pytest.importorskip("datumaro")
    return getattr(importlib.import_module(f"datumaro.plugins.data_formats.{module}"), name)


@pytest.mark.parametrize(
    ("table", "module", "name"),
    [
        (CITYSCAPES, "cityscapes", "CITYSCAPES_LABEL_MAP"),
        (CAMVID, "camvid", "CamvidLabelMap"),
    ],
)
def test_names_and_colours_are_those_that_datumaro_knows(table, module, name):
    assert dict(zip(table.names, table.colours, strict=True)) == datumaro(module, name)


@pytest.mark.parametrize("version", ["v1.2", "v2.0"])
def test_names_of_mapillary_are_those_that_datumaro_knows(version):
    known = datumaro("mapillary_vistas.format", "MapillaryVistasLabelMaps")
    assert MAPILLARY[version] == tuple(known[version])


def test_train_numbers_of_cityscapes_count_the_classes_that_are_scored():
    names = list(datumaro("cityscapes", "TRAIN_CITYSCAPES_LABEL_MAP"))[:19]
    assert names == [name for name in CITYSCAPES.names if name not in CITYSCAPES.void]


@pytest.mark.parametrize(
    ("text", "black_first", "names"),
    [
        ("1 2 3 cat\n0 0 0 sky\n", True, ("sky", "cat")),
        ("1 2 3 cat\n0 0 0 sky\n", False, ("cat", "sky")),
        ("# mine\n\n1 2 3 cat\n", False, ("background", "cat")),
        ("cat\ndog\n", True, ("background", "cat", "dog")),
        ("1 2 3 traffic light\n", True, ("background", "traffic light")),
    ],
)
def test_a_list_begins_with_what_is_black_or_background(tmp_path, text, black_first, names):
    (tmp_path / "label_colors.txt").write_text(text)
    table = read_label_colours(tmp_path, (), black_first=black_first)
    assert table.names == names
    assert len(set(table.colours)) == len(names)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 2 3 cat\n1 2 x dog\n", "line 2: expected red, green, blue"),
        ("1 2 300 dog\n", "line 1: expected red, green, blue"),
        ("1 2 3 cat\n4 5 6 cat\n", "line 2: class 'cat' is listed twice"),
        ("1 2 3 cat\ndog\n", "a colour for every class, or for none"),
    ],
)
def test_damaged_lists_are_errors_that_say_where(tmp_path, text, says):
    (tmp_path / "label_colors.txt").write_text(text)
    with pytest.raises(DataError, match=f"label_colors.txt.*{says}"):
        read_label_colours(tmp_path, (), black_first=True)
