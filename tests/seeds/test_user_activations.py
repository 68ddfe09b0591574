import pickle

import numpy as np
import pytest

from weakseg.marks.classes import ClassList
from weakseg.seeds.activations import Activations, save_activations
from weakseg.seeds.user_activations import read_npy_activations, user_activations
from weakseg.support.errors import DataError

CLASSES = ClassList(("background", "cat", "dog"))
SIZE = (3, 4)


def own(path, content) -> None:
    np.save(path, np.array(content, dtype=object), allow_pickle=True)


def test_keys_are_names_or_numbers_that_leave_the_background_out(tmp_path):
    own(tmp_path / "a.npy", {0: np.full(SIZE, 0.5), "dog": np.full(SIZE, 4.0)})
    found = read_npy_activations(tmp_path / "a.npy", SIZE, CLASSES)
    assert found.class_ids.tolist() == [1, 2]
    assert found.maps[:, 0, 0].tolist() == [0.5, 1.0]  # what exceeds 1 is scaled down


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({0: np.zeros((4, 4))}, r"class 0.*\(4, 4\) while its image is \(3, 4\)"),
        ({0: np.full(SIZE, np.nan)}, "NaN"),
        ({2: np.zeros(SIZE)}, "number from 0 to 1"),
        ({"cow": np.zeros(SIZE)}, "cow"),
        ({0: "text"}, "dictionary"),
        ([1, 2], "dictionary"),
    ],
)
def test_wrong_maps_are_reported(tmp_path, content, said):
    own(tmp_path / "a.npy", content)
    with pytest.raises(DataError, match=said):
        read_npy_activations(tmp_path / "a.npy", SIZE, CLASSES)


def test_a_plain_array_a_damaged_file_and_none_at_all_are_reported(tmp_path):
    np.save(tmp_path / "plain.npy", np.zeros(SIZE))
    own(tmp_path / "cut.npy", {0: np.zeros(SIZE)})
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:-9])
    (tmp_path / "text.npy").write_text("no array")
    for name in ("plain", "cut", "text", "absent"):
        with pytest.raises(DataError, match=name):
            user_activations(tmp_path, name, SIZE, CLASSES)


def test_a_pickle_that_runs_something_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    array = np.empty((), dtype=object)
    array[()] = {0: Evil()}
    with (tmp_path / "evil.npy").open("wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": ()}
        np.lib.format.write_array_header_1_0(file, header)
        pickle.dump(array, file)
    with pytest.raises(DataError, match="not allowed"):
        read_npy_activations(tmp_path / "evil.npy", SIZE, CLASSES)


def test_maps_of_another_run_are_taken_first(tmp_path):
    maps = Activations(np.array([2], np.uint8), np.ones((1, 2, 2), np.float32))
    save_activations(tmp_path / "a.npz", maps)
    assert user_activations(tmp_path, "a", SIZE, CLASSES).class_ids.tolist() == [2]
