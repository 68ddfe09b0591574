import numpy as np
import pytest
from PIL import Image

from weakseg.marks.instance_maps import read_instance_map
from weakseg.support.errors import DataError


@pytest.mark.parametrize(("dtype", "last"), [(np.uint8, 0), (np.uint16, 255)])
def test_255_is_void_in_files_of_8_bits_only(tmp_path, dtype, last):
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[0, 3, 255]], dtype)).save(path)
    assert read_instance_map(path, (1, 3)).tolist() == [[0, 3, last]]


def test_wrong_instance_maps_are_named(tmp_path):
    path = tmp_path / "a.png"
    with pytest.raises(DataError, match=r"a\.png: there is no such instance map"):
        read_instance_map(path, (4, 4))
    Image.new("RGB", (4, 4)).save(path)
    with pytest.raises(DataError, match=r"a\.png: .* mode RGB"):
        read_instance_map(path, (4, 4))
    Image.new("L", (4, 4)).save(path)
    with pytest.raises(DataError, match=r"a\.png: .* is \(4, 4\) while its truth is \(4, 5\)"):
        read_instance_map(path, (4, 5))
    content = path.read_bytes()
    for end in (0, 4, 8, 20, 40, 46):
        path.write_bytes(content[:end])
        with pytest.raises(DataError, match=r"a\.png: "):
            read_instance_map(path, (4, 4))
    Image.fromarray(np.full((2, 2), -5, np.int32)).save(tmp_path / "b.tiff")
    with pytest.raises(DataError, match=r"b\.tiff: expected ids of 0 or more, but got -5"):
        read_instance_map(tmp_path / "b.tiff", (2, 2))
