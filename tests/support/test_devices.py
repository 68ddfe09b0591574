import pytest
import torch

from weakseg.support.devices import accelerator_device, pick_device
from weakseg.support.errors import RecipeError, RunError


@pytest.fixture
def machine(monkeypatch):
    """Give a function that makes torch believe in a GPU of some kind."""

    def make(*, cuda: bool = False, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return make


@pytest.mark.parametrize(
    ("accelerator", "there", "expected"),
    [
        ("auto", {}, "cpu"),
        ("auto", {"cuda": True}, "cuda"),
        ("cpu", {"cuda": True, "mps": True}, "cpu"),
        ("gpu", {"cuda": True}, "cuda"),
        ("gpu", {"mps": True}, "mps"),
        ("cuda", {"cuda": True}, "cuda"),
        ("mps", {"cuda": True, "mps": True}, "mps"),
    ],
)
def test_an_accelerator_names_a_device_that_is_there(machine, accelerator, there, expected):
    machine(**there)
    assert accelerator_device(accelerator) == torch.device(expected)


@pytest.mark.parametrize("accelerator", ["gpu", "cuda", "mps"])
def test_an_accelerator_that_is_not_there_is_named(machine, accelerator):
    machine()
    message = rf"training\.accelerator: is '{accelerator}'.* auto or cpu"
    with pytest.raises(RecipeError, match=message):
        accelerator_device(accelerator)


def test_an_unknown_accelerator_is_refused():
    with pytest.raises(RecipeError, match=r"expected one of auto, cpu, .* got 'toaster'"):
        accelerator_device("toaster")


def test_a_device_is_the_one_named_or_by_default_the_best_there_is(machine):
    machine()
    assert pick_device() == pick_device("auto") == pick_device("cpu") == torch.device("cpu")
    with pytest.raises(RunError, match="device 'toaster' cannot be used"):
        pick_device("toaster")
