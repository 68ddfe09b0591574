"""Released SPML checkpoints, rebuilt after their public description, and their conversion."""

import contextlib
import math
import os
import re

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from PIL import Image

from weakseg.api.convert import DENSEPOSE_CLASSES, convert_checkpoint
from weakseg.cli.main import main
from weakseg.inference.segmenter import Segmenter, load_network
from weakseg.marks.classes import VOC_CLASSES
from weakseg.models import spml_checkpoints
from weakseg.models.backbone import create_backbone
from weakseg.models.network import build_network
from weakseg.recipes.reading import dump_recipe, load_recipe, parse_recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.errors import DataError, RecipeError, RunError, WeightsError

RESNET_50, RESNET_101 = (3, 4, 6, 3), (3, 4, 23, 3)
SHORT = (1, 1, 2, 2)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@timm.models.register_model
def short_deep_stem(pretrained=False, **options):
    """Register a short ResNet with the released stem in timm, so that tests take less time."""
    return timm.create_model("resnet50s", layers=SHORT, **options)


def recipe_of(head, dimensions, backbone="test_resnet", **model):
    """Return a recipe of a network like the released ones, by default of a tiny backbone."""
    model = {
        "backbone": backbone,
        "output_stride": 8,
        "head": head,
        "dimensions": dimensions,
        "embedding_stride": 4,
        "classifier_hidden": 2 * dimensions,
    } | model
    return parse_recipe({"model": model})


def released_shapes(head, dimensions, classes, depths):
    """List the entries of a released checkpoint by name."""
    shapes = {}

    def conv(name, channels_out, channels_in, kernel, bias=False):
        shapes[f"{name}.weight"] = (channels_out, channels_in, kernel, kernel)
        if bias:
            shapes[f"{name}.bias"] = (channels_out,)

    def norm(name, channels):
        for entry in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{entry}"] = (channels,)
        shapes[f"{name}.num_batches_tracked"] = ()

    root = "embedding_model.resnet_backbone"
    for index, (wide, narrow) in {0: (64, 3), 3: (64, 64), 6: (128, 64)}.items():
        conv(f"{root}.conv1.conv1.{index}", wide, narrow, 3)
        norm(f"{root}.conv1.bn1" if index == 6 else f"{root}.conv1.conv1.{index + 1}", wide)
    channels = 128
    for stage, depth in enumerate(depths):
        width = 64 * 2**stage
        for number in range(depth):
            block = f"{root}.res{stage + 2}.{number}"
            conv(f"{block}.conv1", width, channels, 1)
            conv(f"{block}.conv2", width, width, 3)
            conv(f"{block}.conv3", 4 * width, width, 1)
            for layer, size in enumerate((width, width, 4 * width), start=1):
                norm(f"{block}.bn{layer}", size)
            if number == 0:
                conv(f"{block}.downsample.0", 4 * width, channels, 1)
                norm(f"{block}.downsample.1", 4 * width)
            channels = 4 * width
    if head == "aspp":
        for branch in range(1, 5):
            conv(f"embedding_model.aspp.aspp_{branch}.0", dimensions, 2048, 3, bias=True)
    else:
        for branch in range(1, 5):
            conv(f"embedding_model.pspp.0.pspp_{branch}.1", 512, 2048, 1)
            norm(f"embedding_model.pspp.0.pspp_{branch}.2", 512)
        conv("embedding_model.pspp.0.conv.0", 512, 2048 + 4 * 512, 3)
        norm("embedding_model.pspp.0.conv.1", 512)
        conv("embedding_model.pspp.1", dimensions, 512, 1, bias=True)
        shapes["embedding_model.lfn.smooth_kernel.weight"] = (3, 1, 5, 5)
    conv("prediction_model.semantic_classifier.0", 2 * dimensions, dimensions, 3)
    norm("prediction_model.semantic_classifier.1", 2 * dimensions)
    conv("prediction_model.semantic_classifier.4", classes, 2 * dimensions, 1, bias=True)
    return shapes


def by_formula(shapes):
    """Fill entries by the formula of the golden numbers."""
    entries = {}
    for i, (name, shape) in enumerate(sorted(shapes.items())):
        wave = np.sin(0.37 * np.arange(math.prod(shape)) * (1 + i % 7) + i).reshape(shape)
        if name.endswith("num_batches_tracked"):
            entries[name] = torch.tensor(7)
            continue
        if name.endswith("running_var"):
            value = 1 + 0.3 * wave
        elif name.endswith("running_mean"):
            value = 0.1 * wave
        elif len(shape) == 1:
            value = 1 + 0.2 * wave if name.endswith("weight") else 0.1 * wave
        else:
            value = wave * math.sqrt(2 / math.prod(shape[1:]))
        entries[name] = torch.tensor(value, dtype=torch.float32)
    return entries


def nested(entries):
    """Nest entries as in the released files."""
    parts = {}
    for key, value in entries.items():
        part, _, name = key.partition(".")
        parts.setdefault(part, {})[name] = value
    return parts


class Released:
    """The released network's forward pass, in plain functions over its entries."""

    def __init__(self, entries):
        self.entries = entries

    def conv(self, name, x, **options):
        bias = self.entries.get(f"{name}.bias")
        return F.conv2d(x, self.entries[f"{name}.weight"], bias, **options)

    def norm(self, name, x):
        keys = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(self.entries[f"{name}.{key}"] for key in keys))

    def backbone(self, x):
        stem = "embedding_model.resnet_backbone.conv1"
        x = self.conv(f"{stem}.conv1.0", x, stride=2, padding=1)
        x = self.conv(f"{stem}.conv1.3", self.norm(f"{stem}.conv1.1", x).relu(), padding=1)
        x = self.conv(f"{stem}.conv1.6", self.norm(f"{stem}.conv1.4", x).relu(), padding=1)
        x = F.max_pool2d(self.norm(f"{stem}.bn1", x).relu(), 3, stride=2, padding=1)
        for stage, depth in enumerate(SHORT):
            for number in range(depth):
                stride = 2 if stage == 1 and number == 0 else 1
                dilation = (1, 1, 2, 4)[stage]
                if number == 0:
                    dilation = max(1, dilation // 2)
                name = f"embedding_model.resnet_backbone.res{stage + 2}.{number}"
                x = self.block(name, x, stride, dilation)
        return x

    def block(self, name, x, stride, dilation):
        y = self.norm(f"{name}.bn1", self.conv(f"{name}.conv1", x)).relu()
        y = self.conv(f"{name}.conv2", y, stride=stride, padding=dilation, dilation=dilation)
        y = self.conv(f"{name}.conv3", self.norm(f"{name}.bn2", y).relu())
        if f"{name}.downsample.0.weight" in self.entries:
            x = self.conv(f"{name}.downsample.0", x, stride=stride)
            x = self.norm(f"{name}.downsample.1", x)
        return (self.norm(f"{name}.bn3", y) + x).relu()

    def head(self, x):
        if "embedding_model.pspp.1.weight" not in self.entries:
            return sum(
                self.conv(f"embedding_model.aspp.aspp_{branch}.0", x, padding=d, dilation=d)
                for branch, d in enumerate((6, 12, 18, 24), start=1)
            )
        pyramid = [x]
        for branch, bins in enumerate((1, 2, 3, 6), start=1):
            name = f"embedding_model.pspp.0.pspp_{branch}"
            pooled = self.conv(f"{name}.1", F.adaptive_avg_pool2d(x, bins))
            pooled = self.norm(f"{name}.2", pooled).relu()
            pyramid.append(F.interpolate(pooled, size=x.shape[-2:], mode="bilinear"))
        x = self.conv("embedding_model.pspp.0.conv.0", torch.cat(pyramid, 1), padding=1)
        return self.conv(
            "embedding_model.pspp.1", self.norm("embedding_model.pspp.0.conv.1", x).relu()
        )

    def embedding(self, image):
        """Normalise RGB in 0 … 1 as the released reader does; return unit vectors at stride 4."""
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
        raw = F.interpolate(
            self.head(self.backbone((image - mean) / std)), scale_factor=2, mode="bilinear"
        )
        return raw / raw.norm(dim=1, keepdim=True)

    def logits(self, embedding):
        name = "prediction_model.semantic_classifier"
        hidden = self.norm(f"{name}.1", self.conv(f"{name}.0", embedding, padding=1))
        return self.conv(f"{name}.4", hidden.relu())


@pytest.mark.parametrize(("head", "dimensions", "classes"), [("aspp", 64, 21), ("psp", 32, 15)])
def test_a_converted_checkpoint_predicts_as_the_released_network(
    tmp_path, head, dimensions, classes
):
    entries = by_formula(released_shapes(head, dimensions, classes, SHORT))
    torch.save(nested(entries), tmp_path / "model-29999.pth")
    recipe = recipe_of(head, dimensions, "short_deep_stem")
    run = convert_checkpoint(tmp_path / "model-29999.pth", recipe=recipe, out=tmp_path / "run")

    image = torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(0))
    recipe, classes = RunFolder(run).read()
    network = load_network(run / "model.safetensors", recipe.model, classes).eval()
    released = Released(entries)
    with torch.inference_mode():
        expected = released.embedding(image)
        expected_logits = released.logits(expected)
        embedding = network(image)
        logits = network.classify(embedding)
    assert expected_logits.std() > 0.1  # or agreement would say little
    torch.testing.assert_close(embedding, expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(logits, expected_logits, rtol=0, atol=1e-4)
    assert torch.equal(logits.argmax(1), expected_logits.argmax(1))


def test_the_names_made_here_are_those_of_the_released_code(shared):
    def names(case):
        with np.load(shared / "golden" / f"{case}.npz") as numbers:
            return set(numbers["parameter_names"].tolist())

    def made(head, prefix):
        shapes = released_shapes(head, 64, 21, RESNET_50)
        return {key.removeprefix(prefix) for key in shapes if key.startswith(prefix)}

    backbone = made("aspp", "embedding_model.resnet_backbone.")
    assert backbone == names("backbone_deeplab50")
    assert made("aspp", "embedding_model.aspp.") == names("head_aspp")
    assert made("psp", "embedding_model.pspp.0.") == names("head_pspp")


@pytest.mark.parametrize(
    ("recipe", "head", "dimensions", "classes"),
    [
        ("voc-tags", "aspp", 64, VOC_CLASSES),
        ("voc-boxes", "aspp", 64, VOC_CLASSES),
        ("voc-points", "aspp", 64, VOC_CLASSES),
        ("voc-scribbles", "aspp", 64, VOC_CLASSES),
        ("densepose-points", "psp", 32, DENSEPOSE_CLASSES),
    ],
)
def test_the_papers_recipes_ask_for_the_released_networks(recipe, head, dimensions, classes):
    shapes = released_shapes(head, dimensions, len(classes), RESNET_101)
    theirs = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    asked = load_recipe(recipe)
    with torch.device("meta"):
        network = build_network(asked.model, len(classes), weights="none")
    ours = {key: value.shape for key, value in network.state_dict().items()}
    assert {key: value.shape for key, value in spml_checkpoints.rename(theirs).items()} == ours
    assert {name for pair in asked.transforms.mirror_swap for name in pair} <= set(classes)


@pytest.fixture
def tiny():
    """Return the recipe, our network and its entries under the released names."""
    recipe = recipe_of("aspp", 8)
    network = build_network(recipe.model, 21, weights="none").eval()
    return recipe, network, in_their_names(network)


def in_their_names(network):
    their = []
    for key, value in network.state_dict().items():
        name = re.sub(r"^backbone\.body\.(conv1|bn1)\.", r"conv1.\1.", key)
        name = re.sub(r"^backbone\.body\.layer(\d)\.", lambda m: f"res{int(m[1]) + 1}.", name)
        if name != key:
            name = f"embedding_model.resnet_backbone.{name}"
        name = re.sub(
            r"^head\.branches\.(\d)\.",
            lambda m: f"embedding_model.aspp.aspp_{int(m[1]) + 1}.0.",
            name,
        )
        name = re.sub(r"^classifier\.", "prediction_model.semantic_classifier.", name)
        their.append((name, value))
    return dict(their)


def write(path, content):
    torch.save(content, path)
    return path


def test_the_run_holds_the_network_and_labels_by_the_classifier(tmp_path, tiny):
    recipe, network, entries = tiny
    file = write(tmp_path / "model.pth", nested(entries))
    run = convert_checkpoint(file, recipe=recipe, out=tmp_path / "run")
    segmenter = Segmenter.load(run)
    assert segmenter.config.labels == "classifier"
    assert segmenter.classes.names[:2] == ("background", "aeroplane")
    for key, value in segmenter.network.state_dict().items():
        expected = network.state_dict()[key]
        if key == "classifier.0.weight":
            expected = expected / math.sqrt(8)
        torch.testing.assert_close(value, expected)
    assert segmenter.predict(np.zeros((24, 32, 3), np.uint8)).shape == (24, 32)
    assert sorted(path.name for path in run.iterdir()) == [
        "classes.txt",
        "model.safetensors",
        "recipe.yaml",
    ]


def test_a_checkpoint_is_read_flat_or_nested_and_with_the_prefix_of_parallel_training(
    tmp_path, tiny
):
    recipe, _, entries = tiny
    parts = nested(entries)
    prefixed = {
        part: {f"module.{key}": value for key, value in inner.items()}
        for part, inner in parts.items()
    }
    runs = [
        convert_checkpoint(
            write(tmp_path / f"{number}.pth", content), recipe=recipe, out=tmp_path / f"{number}"
        )
        for number, content in enumerate([parts, prefixed, entries])
    ]
    first, *others = [(run / "model.safetensors").read_bytes() for run in runs]
    assert others == [first, first]


def test_a_number_of_classes_that_is_not_the_checkpoints_is_told(tmp_path, tiny):
    recipe, _, entries = tiny
    file = write(tmp_path / "model.pth", nested(entries))
    listed = tmp_path / "classes.txt"
    listed.write_text("background\ncat\n")
    with pytest.raises(WeightsError, match=r"model\.pth: has scores for 21 .*classes\.txt names 2"):
        convert_checkpoint(file, recipe=recipe, classes=listed, out=tmp_path / "run")
    entries["prediction_model.semantic_classifier.4.bias"] = torch.zeros(4)
    entries["prediction_model.semantic_classifier.4.weight"] = torch.zeros(4, 16, 1, 1)
    file = write(tmp_path / "model.pth", nested(entries))
    with pytest.raises(WeightsError, match=r"for 4 classes, but PASCAL VOC has 21.*--classes FILE"):
        convert_checkpoint(file, recipe=recipe, out=tmp_path / "run")
    listed.write_text("background\ncat\ndog\ncow\n")
    run = convert_checkpoint(file, recipe=recipe, classes=listed, out=tmp_path / "run")
    assert Segmenter.load(run).classes.names == ("background", "cat", "dog", "cow")


def test_fifteen_classes_are_the_parts_of_the_body(tmp_path):
    recipe = recipe_of("aspp", 8)
    entries = in_their_names(build_network(recipe.model, 15, weights="none"))
    file = write(tmp_path / "model.pth", nested(entries))
    run = convert_checkpoint(file, recipe=recipe, out=tmp_path / "run")
    assert RunFolder(run).read()[1].names == DENSEPOSE_CLASSES


def test_a_checkpoint_of_another_network_is_refused_with_lists(tmp_path, tiny):
    recipe, _, entries = tiny
    del entries["embedding_model.resnet_backbone.conv1.bn1.bias"]
    entries["embedding_model.aspp.aspp_5.0.bias"] = torch.zeros(8)
    entries["embedding_model.mystery"] = torch.zeros(8)
    entries["embedding_model.aspp.aspp_2.0.bias"] = torch.zeros(9)
    entries["embedding_model.aspp.aspp_3.0.bias"][2] = math.nan
    too_large = torch.full((8,), 1e300, dtype=torch.float64)
    entries["embedding_model.aspp.aspp_4.0.bias"] = too_large
    file = write(tmp_path / "model.pth", nested(entries))
    with pytest.raises(WeightsError) as caught:
        convert_checkpoint(file, recipe=recipe, out=tmp_path / "run")
    message = str(caught.value)
    assert "backbone 'test_resnet' and head 'aspp' with 8 dimensions" in message
    assert "1 are missing: backbone.body.bn1.bias;" in message
    assert "2 are unknown: head.branches.4.bias, embedding_model.mystery;" in message
    assert "of another shape: head.branches.1.bias (expected (8,) but got (9,));" in message
    assert "2 are not finite: head.branches.2.bias, head.branches.3.bias." in message
    assert "--recipe" in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("key", "value"), [("output_stride", 16), ("embedding_stride", 8), ("dilations", [1, 2, 3, 4])]
)
def test_a_recipe_that_would_compute_otherwise_is_refused(tmp_path, tiny, key, value):
    file = write(tmp_path / "model.pth", nested(tiny[2]))
    recipe = recipe_of("aspp", 8, **{key: value})
    with pytest.raises(RecipeError, match=rf"model\.{key}: expected .* but got "):
        convert_checkpoint(file, recipe=recipe, out=tmp_path / "run")


def test_files_that_are_no_checkpoint_are_told_apart(tmp_path, tiny):
    def refused(content):
        file = write(tmp_path / "file.pth", content)
        with pytest.raises(WeightsError, match=r"file\.pth: ") as caught:
            convert_checkpoint(file, recipe=tiny[0], out=tmp_path / "run")
        return str(caught.value)

    assert "found none" in refused({"state": {0: {"momentum_buffer": torch.zeros(3)}}, "lr": 1})
    assert "embedding_model and prediction_model, but got a, b" in refused(
        {"a": torch.zeros(1), "b": torch.zeros(1)}
    )
    classifier = {"prediction_model": nested(tiny[2])["prediction_model"]}
    assert "embedding_model and prediction_model" in refused(classifier)
    assert "4 are missing: classifier" not in refused({"embedding_model": {"x": torch.zeros(1)}})


def test_damaged_checkpoints_end_in_messages(tmp_path, tiny):
    whole = write(tmp_path / "model.pth", nested(tiny[2])).read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for number in range(60):
        damaged = bytearray(whole)
        if number % 3 == 0:
            del damaged[rng.integers(len(whole)) :]
        else:  # the beginning holds the pickle, the end the directory of the archive
            places = rng.integers(1, 4000, size=8) * (1 if number % 3 == 1 else -1)
            for place in places:
                damaged[int(place)] = int(rng.integers(256))
        file = tmp_path / "damaged.pth"
        file.write_bytes(damaged)
        with contextlib.suppress(WeightsError):  # nothing but this, though some damage is harmless
            convert_checkpoint(file, recipe=tiny[0], out=tmp_path / "run", overwrite=True)
            continue
        refused += 1
    assert refused > 30


class Surprise:
    def __reduce__(self):
        return (os.mkdir, ("surprise",))


def test_a_checkpoint_with_code_is_not_run(tmp_path, tiny, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path / "model.pth", nested(tiny[2]) | {"config": Surprise()})
    with pytest.raises(WeightsError, match="for safety"):
        convert_checkpoint(file, recipe=tiny[0], out=tmp_path / "run")
    assert not (tmp_path / "surprise").exists()


def test_an_existing_run_is_replaced_only_on_demand(tmp_path, tiny):
    file = write(tmp_path / "model.pth", nested(tiny[2]))
    convert_checkpoint(file, recipe=tiny[0], out=tmp_path / "run")
    with pytest.raises(RunError, match="there is something already"):
        convert_checkpoint(file, recipe=tiny[0], out=tmp_path / "run")
    convert_checkpoint(file, recipe=tiny[0], out=tmp_path / "run", overwrite=True)
    with pytest.raises(DataError, match="no such file"):
        convert_checkpoint(file, recipe=tiny[0], classes="none.txt", out=tmp_path / "other")


@pytest.fixture
def imagenet_file(tmp_path):
    """Write a file with the names of the released ImageNet weights; each entry has one value."""
    entries = {"module.fc.weight": torch.zeros(1000, 2048), "module.fc.bias": torch.zeros(1000)}
    prefix = "embedding_model.resnet_backbone."
    for number, (key, shape) in enumerate(released_shapes("aspp", 2, 2, RESNET_50).items()):
        if key.startswith(prefix):
            name = key.removeprefix(prefix).removeprefix("conv1.")
            name = re.sub(r"^res(\d)", lambda m: f"layer{int(m[1]) - 1}", name)
            entries[f"module.{name}"] = torch.tensor(float(number)).expand(shape)
    return write(tmp_path / "resnet-50-cuhk.pth", entries), entries


def test_imagenet_weights_are_read_as_they_are(imagenet_file):
    file, entries = imagenet_file
    body = create_backbone("resnet50_deep_stem", output_stride=8, weights=file).body
    for key, value in body.state_dict().items():
        assert torch.equal(value, entries[f"module.{key}"].to(value.dtype)), key


def test_imagenet_weights_name_their_backbone_where_they_do_not_fit(imagenet_file, tmp_path):
    file, _ = imagenet_file
    with pytest.raises(WeightsError, match=r"made for \('resnet50_deep_stem' by its names\)"):
        create_backbone("resnet10t", output_stride=8, weights=file)
    with pytest.raises(
        WeightsError, match=r"--model\.backbone resnet50_deep_stem --model\.weights"
    ):
        convert_checkpoint(file, recipe=recipe_of("aspp", 8), out=tmp_path / "run")


def test_a_checkpoint_gives_its_backbone_to_a_new_training(tmp_path, tiny):
    _, network, entries = tiny
    file = write(tmp_path / "model.pth", nested(entries))
    body = create_backbone("test_resnet", output_stride=8, weights=file).body
    for key, value in body.state_dict().items():
        assert torch.equal(value, network.backbone.body.state_dict()[key]), key


def test_the_command_leaves_a_run_that_predicts(tmp_path, tiny, capsys):
    recipe, _, entries = tiny
    dump_recipe(recipe, tmp_path / "tiny.yaml")
    file, run = write(tmp_path / "model.pth", nested(entries)), tmp_path / "run"
    arguments = ["convert", str(file), "--recipe", str(tmp_path / "tiny.yaml"), "--out", str(run)]
    assert main(arguments) == 0
    assert f"Run: {run}" in capsys.readouterr().out
    assert main(arguments) == 1
    assert "there is something already" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0
    Image.fromarray(np.zeros((24, 32, 3), np.uint8)).save(tmp_path / "photo.png")
    masks = tmp_path / "masks"
    assert main(["predict", str(run), str(tmp_path / "photo.png"), "--out", str(masks)]) == 0
    assert Image.open(masks / "photo.png").size == (32, 24)


def test_the_command_tells_what_is_wrong(tmp_path, tiny, capsys):
    assert main(["convert"]) == 2
    dump_recipe(tiny[0], tmp_path / "tiny.yaml")
    recipe = ["--recipe", str(tmp_path / "tiny.yaml"), "--out", str(tmp_path / "run")]
    assert main(["convert", str(tmp_path / "none.pth"), *recipe]) == 1
    assert "none.pth: no such weight file" in capsys.readouterr().err
    assert (
        main(["convert", str(write(tmp_path / "model.pth", {"a": torch.zeros(1)})), *recipe]) == 1
    )
    assert "expected a checkpoint of the authors' network" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
