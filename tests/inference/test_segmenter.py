import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from weakseg.inference.memory import Memory
from weakseg.inference.probabilities import class_probabilities, retrieve
from weakseg.inference.segmenter import Segmenter
from weakseg.inference.tiles import tiles
from weakseg.marks.classes import ClassList
from weakseg.models.network import build_network
from weakseg.recipes.recipe import InferenceConfig, ModelConfig
from weakseg.support.errors import MissingExtraError, WeightsError

CLASSES = ClassList(("background", "cat", "dog"))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    config = ModelConfig(backbone="test_resnet", dimensions=8)
    return build_network(config, 3, weights="none").eval()


@pytest.fixture(scope="module")
def memory():
    generator = torch.Generator().manual_seed(0)
    prototype = torch.nn.functional.normalize(torch.randn(30, 8, generator=generator), dim=1)
    return Memory(prototype, torch.arange(30) % 3)


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("upsample", ["bilinear", "guided"])
@pytest.mark.parametrize("labels", ["retrieval", "classifier", "both"])
@pytest.mark.parametrize("size", [(64, 80), (37, 53), (1, 1), (5, 300)])
def test_an_image_of_any_size_gets_a_mask_of_its_size(network, memory, labels, size, upsample):
    config = InferenceConfig(labels=labels, k=3, upsample=upsample)
    segmenter = Segmenter(network, CLASSES, config, memory)
    mask = segmenter.predict(picture(*size))
    assert mask.shape == size
    assert mask.dtype == np.uint8
    assert mask.max() < 3


@pytest.mark.parametrize("upsample", ["bilinear", "guided"])
@pytest.mark.parametrize("labels", ["retrieval", "classifier", "both"])
def test_probabilities_sum_to_one_over_scales_and_mirror_images(network, memory, labels, upsample):
    scales = [0.5, 1.0, 1.5]
    config = InferenceConfig(labels=labels, scales=scales, flip=True, upsample=upsample)
    image = torch.rand(2, 3, 64, 48)
    with torch.inference_mode():
        (shares,) = class_probabilities(network, image, memory, config, [labels])
    assert shares.shape == (2, 3, 64, 48)
    assert torch.allclose(shares.sum(1), torch.ones(2, 64, 48), atol=1e-5)


@pytest.mark.parametrize("upsample", ["bilinear", "guided"])
def test_sources_together_are_as_each_alone_from_one_embedding_a_view(network, memory, upsample):
    image, sources = picture(40, 200), ["both", "retrieval", "classifier"]
    options = {"scales": [0.5, 1.0], "flip": True, "upsample": upsample, "tile": 128, "overlap": 16}
    alone = [
        Segmenter(network, CLASSES, InferenceConfig(labels=source, **options), memory)
        for source in sources
    ]
    expected = [segmenter.probabilities(image) for segmenter in alone]
    seen = []
    handle = network.register_forward_hook(lambda *_: seen.append(1))
    together = alone[0].probabilities_by_source(image, sources)
    handle.remove()
    assert len(seen) == 2 * 2 * 2  # tiles, scales, mirrored or not
    for one, other in zip(together, expected, strict=True):
        assert np.allclose(one, other, atol=1e-6)
    assert not np.allclose(together[1], together[2], atol=0.01)
    if upsample == "bilinear":
        assert np.allclose(together[0], (together[1] + together[2]) / 2, atol=1e-6)


def test_a_source_that_needs_a_memory_is_refused_without_one(network):
    segmenter = Segmenter(network, CLASSES, InferenceConfig(labels="classifier"))
    with pytest.raises(WeightsError, match="need a memory"):
        segmenter.probabilities_by_source(picture(40, 56), ["classifier", "both"])


def test_masks_follow_the_image_with_guided_upsampling(network, memory):
    image = picture(96, 96)
    image[:, :50], image[:, 50:] = 40, 220
    fragments = []
    for upsample in ("bilinear", "guided"):
        segmenter = Segmenter(network, CLASSES, InferenceConfig(upsample=upsample), memory)
        mask = segmenter.predict(image)
        changes = (mask[:, 1:] != mask[:, :-1]).nonzero()[1]
        fragments.append(np.count_nonzero(abs(changes - 49) > 3))
    assert fragments[1] <= fragments[0]


def test_a_batch_gives_what_single_images_give(network, memory):
    segmenter = Segmenter(network, CLASSES, InferenceConfig(), memory)
    images = np.stack([picture(64, 64), picture(64, 64)[::-1]])
    batch = segmenter.predict_batch(images)
    for image, mask in zip(images, batch, strict=True):
        assert (segmenter.predict(image) == mask).mean() > 0.99


def test_mirrored_images_give_mirrored_masks_with_flip(network):
    segmenter = Segmenter(network, CLASSES, InferenceConfig(labels="classifier", flip=True))
    image = picture(64, 64)
    mirrored = segmenter.predict(np.ascontiguousarray(image[:, ::-1]))[:, ::-1]
    assert (segmenter.predict(image) == mirrored).mean() > 0.99


def test_retrieval_gives_a_segment_the_label_of_its_nearest_prototypes():
    embedding = torch.zeros(1, 2, 2, 4)
    embedding[:, 0, :, :2], embedding[:, 1, :, 2:] = 1, 1
    memory = Memory(torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), torch.tensor([2, 2, 1]))
    shares = retrieve(embedding, memory, 3, InferenceConfig(grid=(1, 2), k=1))
    assert shares.argmax(1)[0].tolist() == [[2, 2, 1, 1], [2, 2, 1, 1]]


def test_a_class_with_few_prototypes_can_win_the_vote():
    embedding = torch.tensor([[0.0, 1.0]]).repeat(2, 1).T.reshape(1, 2, 1, 2)  # all near class 1
    prototype = torch.tensor([[1.0, 0.0]]).repeat(27, 1)
    prototype = torch.cat([prototype, torch.tensor([[0.1, 0.9], [0.0, 1.0]])])
    memory = Memory(prototype, torch.tensor([0] * 27 + [1, 1]))
    shares = retrieve(embedding, memory, 2, InferenceConfig(grid=(1, 2), k=20))
    assert shares[0, :, 0, 0].tolist() == [0, 1]


def test_every_pixel_is_kept_by_one_tile_and_tiles_stay_inside():
    for height, width, side, overlap in [(100, 230, 80, 8), (64, 97, 96, 16), (300, 50, 100, 0)]:
        count = np.zeros((height, width), int)
        for tile in tiles(height, width, side=side, overlap=overlap):
            count[tile.kept] += 1
            seen = count[tile.seen]
            assert max(seen.shape) <= side
            assert seen[tile.inside].shape == count[tile.kept].shape
            for kept, whole, length in zip(tile.kept, tile.seen, (height, width), strict=True):
                assert kept.start - whole.start >= overlap or whole.start == 0
                assert whole.stop - kept.stop >= overlap or whole.stop == length
        assert (count == 1).all()


def test_tiles_far_from_their_border_agree_with_the_whole_image(network):
    image = picture(1024, 32)
    whole = Segmenter(network, CLASSES, InferenceConfig(labels="classifier", tile=2048))
    config = InferenceConfig(labels="classifier", tile=768, overlap=256)
    tiled = Segmenter(network, CLASSES, config)
    assert (whole.predict(image) == tiled.predict(image)).mean() > 0.95


def test_many_files_are_labelled_once_each_whatever_their_sizes(network, memory, tmp_path):
    for number in range(7):
        size = (40, 56) if number % 3 else (56, 40)
        Image.fromarray(picture(*size)).save(tmp_path / f"{number}.png")
    segmenter = Segmenter(network, CLASSES, InferenceConfig(batch=2), memory)
    made = list(segmenter.predict_files(sorted(tmp_path.iterdir())))
    assert sorted(item.path.name for item in made) == [f"{number}.png" for number in range(7)]
    assert all(item.mask.shape == item.image.shape[:2] for item in made)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_no_rgb_image_is_refused(network, memory, image):
    segmenter = Segmenter(network, CLASSES, InferenceConfig(), memory)
    with pytest.raises(ValueError, match="Expected argument `image` to be RGB"):
        segmenter.predict(image)


@pytest.mark.parametrize("labels", ["retrieval", "both"])
def test_retrieval_without_a_memory_says_what_to_do(network, labels):
    with pytest.raises(WeightsError, match="labels=classifier"):
        Segmenter(network, CLASSES, InferenceConfig(labels=labels))


def test_both_sources_of_labels_count_the_same(network, memory):
    image = picture(40, 56)
    alone = [
        Segmenter(network, CLASSES, InferenceConfig(labels=labels), memory).probabilities(image)
        for labels in ("retrieval", "classifier")
    ]
    both = Segmenter(network, CLASSES, InferenceConfig(labels="both"), memory)
    assert np.allclose(both.probabilities(image), np.mean(alone, axis=0), atol=1e-5)


def test_a_memory_survives_saving_and_a_damaged_one_is_named(memory, tmp_path):
    memory.save(tmp_path / "memory.safetensors")
    read = Memory.load(tmp_path / "memory.safetensors", torch.device("cpu"))
    assert torch.equal(read.prototype, memory.prototype)
    (tmp_path / "memory.safetensors").write_bytes(b"rubbish")
    with pytest.raises(WeightsError, match=r"memory\.safetensors: is missing, damaged"):
        Memory.load(tmp_path / "memory.safetensors", torch.device("cpu"))


def test_options_may_differ_from_the_recipe():
    assert replace(InferenceConfig(), scales=[0.5]).scales == [0.5]


@pytest.mark.parametrize("labels", ["retrieval", "classifier", "both"])
def test_the_mask_is_the_most_probable_class_at_the_images_size(network, memory, labels):
    config = InferenceConfig(labels=labels, scales=[0.5, 1.0], flip=True, tile=192, overlap=32)
    segmenter = Segmenter(network, CLASSES, config, memory)
    image = picture(250, 70)
    shares = segmenter.probabilities(image)
    assert (shares.shape, shares.dtype) == ((3, 250, 70), np.float32)
    assert np.allclose(shares.sum(0), 1, atol=1e-5)
    assert (shares.argmax(0) == segmenter.predict(image)).all()


def test_probabilities_of_a_batch_are_those_of_its_images(network, memory, monkeypatch):
    segmenter = Segmenter(network, CLASSES, InferenceConfig(labels="classifier"), memory)
    images = np.stack([picture(40, 56), picture(40, 56)[::-1], picture(40, 56)[:, ::-1]])
    together = list(segmenter.probabilities_batch(images))
    # Where few fit into memory they go one by one.
    monkeypatch.setattr("weakseg.inference.segmenter._MAX_PROBABILITIES", 1)
    alone = list(segmenter.probabilities_batch(images))
    assert len(together) == len(alone) == 3
    assert np.allclose(together, alone, atol=1e-4)


def test_only_allowed_prototypes_vote(network, memory):
    segmenter = Segmenter(network, CLASSES, InferenceConfig(k=20), memory)
    allowed = np.array([True, False, True])
    shares = segmenter.limited_to(allowed).probabilities(picture(40, 56))
    assert (shares[1] == 0).all()
    assert segmenter.probabilities(picture(40, 56))[1].max() > 0
    nobody = Segmenter(
        network, CLASSES, InferenceConfig(), memory.only(torch.tensor([1, 0, 0]) > 0)
    )
    assert nobody.limited_to(~np.array([True, False, False])).memory is nobody.memory


def test_classes_change_places_in_a_mirrored_view(network):
    classes = ClassList(("background", "left", "right"))
    config = InferenceConfig(labels="classifier", flip=True)
    image = picture(64, 64)
    swapped = Segmenter(network, classes, config, None, [["left", "right"]]).probabilities(image)
    single = Segmenter(network, classes, replace(config, flip=False))
    seen = single.probabilities(image)
    mirrored = single.probabilities(np.ascontiguousarray(image[:, ::-1]))[:, :, ::-1]
    assert np.allclose(swapped, (seen + mirrored[[0, 2, 1]]) / 2, atol=1e-5)
    assert np.abs(swapped - (seen + mirrored) / 2).max() > 1e-3


def test_a_crf_sharpens_masks(network, memory):
    pytest.importorskip("pydensecrf")
    from weakseg.refine.crf import dense_crf

    segmenter = Segmenter(network, CLASSES, InferenceConfig(crf="deeplab"), memory)
    images = np.stack([picture(40, 56), picture(40, 56)[::-1]])
    masks = segmenter.predict_batch(images)
    for image, mask in zip(images, masks, strict=True):
        sharp = dense_crf(image, segmenter.probabilities(image), "deeplab")
        assert (mask == sharp.argmax(0)).mean() > 0.99


def test_a_crf_that_is_not_installed_is_missed_at_once(network, memory, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydensecrf.densecrf", None)
    with pytest.raises(MissingExtraError, match=r"weakseg\[crf\]"):
        Segmenter(network, CLASSES, InferenceConfig(crf="deeplab"), memory)
