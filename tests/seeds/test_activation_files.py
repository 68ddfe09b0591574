import numpy as np
import pytest

from weakseg.seeds.activations import Activations, load_activations, save_activations
from weakseg.support.errors import DataError


def test_maps_come_back_in_steps_of_a_255th(tmp_path):
    maps = np.random.default_rng(0).random((2, 5, 6), np.float32)
    save_activations(tmp_path / "a.npz", Activations(np.array([1, 7], np.uint8), maps))
    back = load_activations(tmp_path / "a.npz")
    assert back.class_ids.tolist() == [1, 7]
    np.testing.assert_allclose(back.maps, maps, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("damage", ["cut", "gone", "other"])
def test_damaged_maps_are_reported_with_their_file(tmp_path, damage):
    path = tmp_path / "a.npz"
    save_activations(path, Activations(np.array([1], np.uint8), np.ones((1, 50, 60), np.float32)))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "gone":
        path.unlink()
    else:
        np.savez(path, something=np.zeros(3))
    with pytest.raises(DataError, match=r"a\.npz"):
        load_activations(path)
