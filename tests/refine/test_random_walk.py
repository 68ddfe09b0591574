import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from weakseg.refine import random_walk as module
from weakseg.refine.random_walk import random_walk


def plain_walk(scores: Tensor, embedding: Tensor, sharpness: float, squarings: int) -> Tensor:
    """Square the transition matrix as in the paper, in double precision."""
    unit = F.normalize(embedding.double().flatten(1), dim=0)
    affinity = (sharpness * (unit.T @ unit - 1)).exp()
    transition = affinity / affinity.sum(dim=1, keepdim=True)
    for _ in range(squarings):
        transition = transition @ transition
    return (transition @ scores.double().flatten(1).T).T.view(scores.shape)


def scene(height: int = 20, width: int = 23, noise: float = 0.04) -> tuple[Tensor, Tensor]:
    """Make scores of four classes, and an embedding of noisy patches of five directions."""
    draw = torch.Generator().manual_seed(0)
    directions = F.normalize(torch.randn(5, 16, generator=draw), dim=1)
    patch = torch.randint(5, (height // 6 + 1, width // 6 + 1), generator=draw)
    patch = patch.repeat_interleave(6, 0).repeat_interleave(6, 1)[:height, :width]
    embedding = directions[patch].permute(2, 0, 1)
    embedding = embedding + noise * torch.randn(embedding.shape, generator=draw)
    return torch.rand(4, height, width, generator=draw), embedding


@pytest.mark.parametrize("noise", [0.0, 0.04, 0.3])
@pytest.mark.parametrize("squarings", [0, 1, 3, 6, 10])
def test_walking_equals_squaring_the_transition_matrix(noise, squarings):
    scores, embedding = scene(noise=noise)
    expected = plain_walk(scores, embedding, 100.0, squarings)
    walked = random_walk(scores, embedding, steps=2**squarings)
    # Affinities in float32 are right within 1e-5; what that shifts adds up over the steps.
    torch.testing.assert_close(walked.double(), expected, rtol=0, atol=1e-5 + 1e-6 * 2**squarings)
    exact = random_walk(scores.double(), embedding.double(), steps=2**squarings)
    torch.testing.assert_close(exact, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("sharpness", [0.0, 1.0, 1000.0])
def test_sharpness_is_that_of_the_formula(sharpness):
    scores, embedding = scene()
    walked = random_walk(scores.double(), embedding.double(), sharpness=sharpness, steps=8)
    expected = plain_walk(scores, embedding, sharpness, 3)
    torch.testing.assert_close(walked, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("max_bytes", [0, 100_000, 300_000])
@pytest.mark.parametrize("rows", [1, 100, 256])
def test_little_memory_changes_nothing(monkeypatch, max_bytes, rows):
    scores, embedding = scene()
    whole = random_walk(scores, embedding)
    monkeypatch.setattr(module, "_ROWS", rows)
    walked = random_walk(scores, embedding, steps=64, max_bytes=max_bytes)
    torch.testing.assert_close(walked, whole, rtol=0, atol=1e-4)


def test_affinities_that_do_not_fit_are_not_kept():
    unit = torch.randn(1000, 4)
    for max_bytes in (0, 500_000, 2**28):
        kept = module._Affinity(unit, 1.0, max_bytes)._kept.values()
        taken = sum(block.numel() * block.element_size() for block in kept)
        assert taken <= max_bytes
        assert (taken > 0) == (max_bytes > 0)


def test_constant_scores_stay_constant():
    _, embedding = scene()
    scores = torch.tensor([0.1, 0.7, 1e-6])[:, None, None].expand(3, 20, 23)
    assert torch.equal(random_walk(scores, embedding), scores)


def test_alike_pixels_share_their_mean_and_unlike_ones_keep_apart():
    embedding = torch.zeros(2, 1, 4)
    embedding[0, 0, :2] = 1
    embedding[1, 0, 2:] = 1
    walked = random_walk(torch.tensor([[[0.0, 1.0, 0.2, 0.4]]]), embedding)
    torch.testing.assert_close(walked, torch.tensor([[[0.5, 0.5, 0.3, 0.3]]]))


def test_a_step_is_a_mean_weighted_by_affinity():
    angle = math.acos(0.99)
    embedding = torch.tensor([[[1.0, math.cos(angle)]], [[0.0, math.sin(angle)]]])
    weight = math.exp(-1)
    walked = random_walk(torch.tensor([[[1.0, 0.0]]]), embedding, steps=1)
    expected = torch.tensor([[[1 / (1 + weight), weight / (1 + weight)]]])
    torch.testing.assert_close(walked, expected)


def test_the_length_of_vectors_does_not_count():
    scores, embedding = scene()
    lengths = torch.rand(1, *embedding.shape[1:]) * 5 + 0.1
    torch.testing.assert_close(
        random_walk(scores, embedding * lengths), random_walk(scores, embedding), rtol=0, atol=1e-4
    )


def test_a_pixel_without_direction_keeps_its_score():
    scores, embedding = scene()
    embedding[:, 3, 4] = embedding[:, 15, 1] = 0
    walked = random_walk(scores, embedding)
    assert walked.isfinite().all()
    torch.testing.assert_close(walked[:, 3, 4], scores[:, 3, 4])
    torch.testing.assert_close(walked[:, 15, 1], scores[:, 15, 1])


def test_an_embedding_of_zeros_changes_nothing():
    scores, embedding = scene()
    torch.testing.assert_close(random_walk(scores, torch.zeros_like(embedding)), scores)


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0), (3, 1, 1), (2, 1, 5)])
def test_empty_and_tiny_images_are_no_error(shape):
    walked = random_walk(torch.rand(shape), torch.randn(8, *shape[1:]))
    assert walked.shape == shape
    assert walked.isfinite().all()


def test_a_single_pixel_keeps_its_score():
    scores = torch.tensor([[[0.3]], [[0.9]]])
    torch.testing.assert_close(random_walk(scores, torch.randn(8, 1, 1)), scores)


def test_a_class_that_is_nowhere_stays_nowhere():
    scores, embedding = scene()
    others = random_walk(scores[[0, 2, 3]], embedding)
    scores[1] = 0
    walked = random_walk(scores, embedding)
    assert not walked[1].any()
    torch.testing.assert_close(walked[[0, 2, 3]], others, rtol=0, atol=1e-5)


def test_scores_stay_in_their_range():
    scores, embedding = scene()
    walked = random_walk(scores, embedding, steps=3)
    assert (walked.amin(dim=(1, 2)) >= scores.amin(dim=(1, 2))).all()
    assert (walked.amax(dim=(1, 2)) <= scores.amax(dim=(1, 2))).all()


def test_views_side_by_side_have_the_mean_of_their_cosines():
    scores, first = scene()
    first = F.normalize(first, dim=0)
    second = F.normalize(first + 0.1 * torch.randn_like(first), dim=0)
    unit = [view.double().flatten(1) for view in (first, second)]
    cosine = (unit[0].T @ unit[0] + unit[1].T @ unit[1]) / 2
    affinity = (100 * (cosine - 1)).exp()
    expected = (affinity / affinity.sum(dim=1, keepdim=True)) @ scores.double().flatten(1).T
    walked = random_walk(scores, torch.cat([first, second]), steps=1)
    torch.testing.assert_close(walked.double(), expected.T.view(scores.shape), rtol=0, atol=1e-4)


def test_half_precision_is_walked_in_full():
    scores, embedding = scene()
    scores, embedding = scores.half(), embedding.half()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        walked = random_walk(scores, embedding)
    assert walked.dtype == torch.float32
    torch.testing.assert_close(walked, random_walk(scores.float(), embedding.float()))


def test_the_inputs_are_left_as_they_are_and_no_gradient_flows():
    scores, embedding = scene()
    before = scores.clone(), embedding.clone()
    walked = random_walk(scores, embedding.requires_grad_())
    assert torch.equal(scores, before[0])
    assert torch.equal(embedding, before[1])
    assert not walked.requires_grad


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("max_bytes", [0, 2**28])
def test_a_gpu_walks_as_a_processor_does(max_bytes):
    scores, embedding = scene()
    walked = random_walk(scores.cuda(), embedding.cuda(), max_bytes=max_bytes).cpu()
    torch.testing.assert_close(walked, random_walk(scores, embedding), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": torch.rand(4, 20, 22)}, r"\(4, 20, 22\) and \(16, 20, 23\)"),
        ({"scores": torch.rand(20, 23)}, "C, h, w"),
        ({"scores": torch.full((4, 20, 23), -0.1)}, "0 or more"),
        ({"scores": torch.full((4, 20, 23), torch.nan)}, "finite"),
        ({"embedding": torch.full((16, 20, 23), torch.inf)}, "`embedding` to be finite"),
        ({"sharpness": -1.0}, "got -1.0 and 64"),
        ({"sharpness": math.nan}, "got nan and 64"),
        ({"steps": -1}, "got 100.0 and -1"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    scores, embedding = scene()
    with pytest.raises(ValueError, match=message):
        random_walk(**({"scores": scores, "embedding": embedding} | change))
