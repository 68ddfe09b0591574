import errno
import pickle
import resource
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from weakseg.cli.main import _explain
from weakseg.models.weights import read_state_dict
from weakseg.seeds.activations import load_activations
from weakseg.support.errors import DataError, RunError, WeightsError
from weakseg.support.files import is_full_disk, replacing

FULL = OSError(errno.ENOSPC, "No space left on device", "scores.json")


@contextmanager
def no_file_above(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "write", [torch.save, save_file, lambda data, path: path.write_bytes(b"a" * 9999)]
)
def test_writers_that_fill_the_disk_are_no_bug(tmp_path, write):
    tensors = {"a": torch.zeros(9999)}
    caught = None
    with no_file_above(3000):
        try:
            with replacing(tmp_path / "model") as beside:
                write(tensors, beside)
        except RunError as error:
            caught = error
    assert str(caught).startswith(f"{tmp_path / 'model'}: the disk is full")
    assert list(tmp_path.iterdir()) == []


def raised_from(error: Exception, cause: Exception | None, context: Exception | None) -> Exception:
    if cause is not None:
        error.__cause__ = cause
    error.__context__ = context
    return error


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        raised_from(RuntimeError("worker"), FULL, None),
        raised_from(ValueError("packing"), None, FULL),
        RuntimeError("Caught OSError in DataLoader worker process 0.\nNo space left on device"),
    ],
)
def test_error_that_comes_from_a_full_disk_is_said_as_that(error):
    assert is_full_disk(error)
    assert "disk is full" in _explain(error)
    assert "bug" not in _explain(error)


@pytest.mark.parametrize("error", [ValueError("x"), OSError(errno.EACCES, "denied"), None])
def test_other_errors_are_no_full_disk(error):
    assert not is_full_disk(error)


class Stranger:
    pass


@pytest.mark.parametrize(
    "save", [torch.save, lambda data, path: path.write_bytes(pickle.dumps(data))]
)
def test_refused_pickle_is_never_advised_to_be_loaded(tmp_path, save):
    path = tmp_path / "weights.pt"
    save({"a": Stranger()}, path)
    with pytest.raises(WeightsError, match=r"never loaded.*Expected tensors alone") as caught:
        read_state_dict(path)
    assert "weights_only" not in str(caught.value)
    assert "trust" not in str(caught.value)
    maps = tmp_path / "a.npz"
    np.savez(maps, class_ids=np.array([Stranger()], dtype=object), levels=np.zeros(1))
    (tmp_path / "b.npz").write_bytes(pickle.dumps({"a": Stranger()}))
    for file in (maps, tmp_path / "b.npz"):
        with pytest.raises(DataError, match="never loaded") as refused:
            load_activations(file)
        assert "allow_pickle" not in str(refused.value)
