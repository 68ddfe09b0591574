"""The objective: pixels and prototypes of each relation, and relations without any."""

import copy

import pytest
import torch

from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.method import (
    MemoryBank,
    PixelToSegmentLoss,
    Relation,
    contrastive_loss,
    segment_pixels,
    segment_prototypes,
    set_contrastive_loss,
    tag_rarity,
)

RELATIONS = {
    "annotation": Relation(1.0, 6.0),
    "cooccurrence": Relation(0.5, 8.0),
    "similarity": Relation(0.1, 16.0),
    "affinity": Relation(0.5, 12.0),
}
NONE = dict.fromkeys(RELATIONS)
CLASSES = 4


def objective(*names, **options):
    relations = NONE | {name: RELATIONS[name] for name in names or RELATIONS}
    return PixelToSegmentLoss(CLASSES, **relations, **({"grid": (2, 2)} | options))


def batch(seed=0, size=8, batch_size=3, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    shape = (batch_size, size, size)
    embedding = torch.randn(batch_size, 5, size, size, generator=generator, dtype=dtype)
    values = torch.tensor([0, 1, 2, 3, UNLABELLED, UNLABELLED, VOID])
    annotation = values[torch.randint(len(values), shape, generator=generator)]
    oversegment = torch.randint(3, shape, generator=generator)
    tags = torch.tensor([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 1]]).bool()
    tags = tags.repeat(batch_size, 1)[:batch_size]
    return [embedding.requires_grad_(), annotation, oversegment, tags]


def assert_zero_with_gradient(losses, embedding):
    for loss in losses.values():
        assert loss.item() == 0
    sum(losses.values()).backward()
    assert torch.equal(embedding.grad, torch.zeros_like(embedding))


def assert_finite(losses, embedding):
    for name, loss in losses.items():
        assert loss.isfinite(), name
        assert loss >= 0, name
    sum(losses.values()).backward()
    assert embedding.grad.isfinite().all()


def test_only_active_relations_are_returned():
    assert set(objective()(*batch())) == set(RELATIONS)
    assert set(objective("affinity")(*batch())) == {"affinity"}


def test_losses_carry_their_weight():
    relations = {name: Relation(2 * r.weight, r.concentration) for name, r in RELATIONS.items()}
    double = PixelToSegmentLoss(CLASSES, **relations, grid=(2, 2))(*batch())
    for name, loss in objective()(*batch()).items():
        assert double[name].item() == pytest.approx(2 * loss.item())


def test_annotation_compares_labelled_pixels_with_labelled_prototypes():
    embedding, annotation, oversegment, tags = batch()
    segments = segment_pixels(embedding, annotation, oversegment, grid=(2, 2))
    prototype = segment_prototypes(segments.pixel, segments.segment)
    label = segments.of_segment(segments.annotation)
    labelled = segments.annotation < CLASSES
    kept = (label < CLASSES).nonzero().flatten().tolist()
    expected = contrastive_loss(
        segments.pixel[labelled],
        segments.annotation[labelled],
        torch.tensor([kept.index(s) for s in segments.segment[labelled].tolist()]),
        prototype[kept],
        label[kept],
        concentration=6.0,
    )
    actual = objective("annotation")(embedding, annotation, oversegment, tags)["annotation"]
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("background", [True, False])
def test_cooccurrence_compares_image_tags_without_background(background):
    embedding, annotation, oversegment, tags = batch()
    segments = segment_pixels(embedding, annotation, oversegment, grid=(2, 2))
    sets = tags[:, 1:] if background else tags
    expected = 0.5 * set_contrastive_loss(
        segments.pixel,
        sets[segments.image],
        segments.segment,
        segment_prototypes(segments.pixel, segments.segment),
        sets[segments.of_segment(segments.image)],
        concentration=8.0,
    )
    actual = objective("cooccurrence", background=background)(
        embedding, annotation, oversegment, tags
    )
    torch.testing.assert_close(actual["cooccurrence"], expected)


def test_similarity_stays_inside_the_image():
    embedding, annotation, oversegment, tags = batch()
    together = objective("similarity")(embedding, annotation, oversegment, tags)["similarity"]
    pixels = (annotation != VOID).sum(dim=(1, 2))
    alone = [
        objective("similarity")(*(x[i : i + 1] for x in (embedding, annotation, oversegment, tags)))
        for i in range(3)
    ]
    expected = sum(count * loss["similarity"] for count, loss in zip(pixels, alone, strict=True))
    torch.testing.assert_close(together, expected / pixels.sum())


def test_similarity_may_compare_the_plain_embedding():
    location = objective("similarity")(*batch())["similarity"]
    plain = objective("similarity", similarity_on_location=False)(*batch())["similarity"]
    assert location.item() != plain.item()


def test_segments_that_find_no_label_meet_every_segment_in_affinity():
    embedding, annotation, oversegment, tags = batch()
    annotation = annotation.clamp(max=UNLABELLED).fill_(UNLABELLED)
    losses = objective("affinity")(embedding, annotation, oversegment, tags)
    assert_zero_with_gradient(losses, embedding)


def test_the_gradient_is_that_of_the_value():
    """Through normalisation, prototypes and all relations; the grouping is held still."""
    embedding, *rest = batch(size=3, batch_size=2, dtype=torch.float64)
    loss = objective(iterations=0)
    assert torch.autograd.gradcheck(lambda x: sum(loss(x, *rest).values()), (embedding,))


def test_the_gradient_reaches_the_pixels_of_every_prototype():
    """A labelled pixel pushes the pixels of other segments away, itself held constant."""
    embedding, annotation, oversegment, tags = batch()
    sum(objective()(embedding, annotation, oversegment, tags).values()).backward()
    moved = embedding.grad.abs().sum(dim=1) > 0
    assert torch.equal(moved, annotation != VOID)


def test_memory_is_read_and_then_written_in_training():
    memory = MemoryBank(2)
    loss = objective()
    first = loss(*batch(), memory)
    assert len(memory) == 1
    assert first["annotation"].item() == loss(*batch())["annotation"].item()
    second = loss(*batch(), memory)
    assert len(memory) == 2
    assert second["annotation"].item() != first["annotation"].item()


def test_memory_is_read_only_in_evaluation():
    memory = MemoryBank(2)
    loss = objective()
    loss(*batch(1), memory)
    before = memory.steps()
    loss.eval()
    assert loss(*batch(), memory)["annotation"] != loss(*batch())["annotation"]
    assert memory.steps() == before


def test_similarity_does_not_read_the_memory():
    memory = MemoryBank(2)
    loss = objective("similarity")
    loss(*batch(1), memory)
    assert loss(*batch(), memory)["similarity"] == loss(*batch())["similarity"]


def test_a_resumed_training_gives_the_same_losses():
    memory, loss = MemoryBank(3), objective()
    for seed in range(2):
        loss(*batch(seed), memory)
    resumed = MemoryBank(3)
    resumed.load_state_dict(copy.deepcopy(memory.state_dict()))
    for seed in range(2, 6):
        expected, actual = loss(*batch(seed), memory), loss(*batch(seed), resumed)
        assert {k: v.item() for k, v in actual.items()} == {
            k: v.item() for k, v in expected.items()
        }


def test_a_bank_of_size_zero_is_as_none():
    expected, actual = objective()(*batch()), objective()(*batch(), MemoryBank(0))
    assert {k: v.item() for k, v in actual.items()} == {k: v.item() for k, v in expected.items()}


def test_a_batch_of_void_alone_gives_zero_with_gradient():
    embedding, annotation, oversegment, tags = batch()
    memory = MemoryBank(2)
    objective()(*batch(), memory)
    losses = objective()(embedding, annotation.fill_(VOID), oversegment, tags, memory)
    assert_zero_with_gradient(losses, embedding)
    assert_finite(objective()(*(again := batch()), memory), again[0])


def test_a_void_image_between_others_is_passed_over():
    embedding, annotation, oversegment, tags = batch()
    annotation[1] = VOID
    assert_finite(objective()(embedding, annotation, oversegment, tags), embedding)


def test_without_a_labelled_pixel_annotation_is_zero_with_gradient():
    embedding, annotation, oversegment, tags = batch()
    annotation[annotation < CLASSES] = UNLABELLED
    losses = objective("annotation")(embedding, annotation, oversegment, tags)
    assert_zero_with_gradient(losses, embedding)


def test_a_single_pixel_gives_zero_with_gradient():
    embedding, annotation, oversegment, tags = batch(batch_size=1)
    annotation[:], annotation[0, 0, 0] = VOID, 1
    assert_zero_with_gradient(objective()(embedding, annotation, oversegment, tags), embedding)


def test_a_class_seen_once_is_held_by_its_own_segment():
    embedding, annotation, oversegment, tags = batch()
    annotation[annotation == 3] = UNLABELLED
    annotation[0, 0, 0] = 3
    assert_finite(objective("annotation")(embedding, annotation, oversegment, tags), embedding)


def test_one_image_alone_has_no_tags_to_be_pushed_from():
    embedding, *rest = batch(batch_size=1)
    losses = objective()(embedding, *rest)
    assert losses["cooccurrence"].item() == 0
    assert_finite(losses, embedding)


def test_without_tags_cooccurrence_is_zero_with_gradient():
    embedding, annotation, oversegment, tags = batch()
    losses = objective("cooccurrence")(embedding, annotation, oversegment, tags.zero_())
    assert_zero_with_gradient(losses, embedding)


def test_an_image_without_known_tags_takes_no_part_in_cooccurrence():
    embedding, annotation, oversegment, tags = batch()
    tags[1] = False
    loss = objective("cooccurrence")(embedding, annotation, oversegment, tags)["cooccurrence"]
    loss.backward()
    assert (embedding.grad[1] == 0).all()
    rest = [0, 2]
    expected = objective("cooccurrence")(
        embedding[rest], annotation[rest], oversegment[rest], tags[rest]
    )
    torch.testing.assert_close(loss, expected["cooccurrence"])


def test_from_an_image_of_background_alone_others_are_pushed_in_cooccurrence():
    embedding, annotation, oversegment, tags = batch()
    tags[1], tags[2] = torch.tensor([1, 0, 0, 0]).bool(), tags[0]
    losses = objective("cooccurrence")(embedding, annotation, oversegment, tags)
    assert losses["cooccurrence"] > 0
    assert_finite(losses, embedding)


FREQUENT = torch.tensor([[0, 1, 1, 0], [0, 1, 0, 1], [0, 1, 1, 1]]).bool()
"""Every image has tag 1."""


def test_a_tag_that_every_image_has_blinds_equal_weights_and_not_rarity():
    embedding, annotation, oversegment, _ = batch()
    blind = objective("cooccurrence")(embedding, annotation, oversegment, FREQUENT)
    assert_zero_with_gradient(blind, embedding)
    embedding.grad = None
    seeing = objective("cooccurrence", tag_weights=tag_rarity(FREQUENT))
    losses = seeing(embedding, annotation, oversegment, FREQUENT)
    assert losses["cooccurrence"] > 0
    assert_finite(losses, embedding)
    assert embedding.grad.abs().max() > 1e-3


def test_an_image_whose_tags_mean_nothing_takes_no_part_in_cooccurrence():
    embedding, annotation, oversegment, tags = batch()
    tags[1] = torch.tensor([1, 0, 0, 1]).bool()
    weights = torch.tensor([1.0, 1.0, 1.0, 0.0])
    loss = objective("cooccurrence", tag_weights=weights)
    value = loss(embedding, annotation, oversegment, tags)["cooccurrence"]
    tags[:, 3] = False
    as_background = objective("cooccurrence")(embedding, annotation, oversegment, tags)
    torch.testing.assert_close(value, as_background["cooccurrence"])


def test_weights_of_another_number_of_classes_are_refused():
    with pytest.raises(ValueError, match=r"`tag_weights` to be \(4,\), but got shape \(3,\)"):
        objective(tag_weights=torch.ones(3))


def test_a_pixel_without_a_direction_does_no_harm():
    embedding, *rest = batch()
    with torch.no_grad():
        embedding[:, :, :2] = 0
    assert_finite(objective()(embedding, *rest), embedding)
    assert embedding.grad.abs().max() < 10


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_full(dtype):
    embedding, *rest = batch(size=16)
    half = embedding.detach().to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = objective()(half, *rest)
    expected = objective()(half.detach().float(), *rest)
    for name, loss in actual.items():
        assert loss.dtype == torch.float32
        assert loss.item() == pytest.approx(expected[name].item())
    assert_finite(actual, half)


def test_tags_of_another_shape_are_refused():
    embedding, annotation, oversegment, tags = batch()
    with pytest.raises(ValueError, match=r"`tags` to be \(3, 4\), but got shape \(3, 3\)"):
        objective()(embedding, annotation, oversegment, tags[:, :3])
    with pytest.raises(ValueError, match="`num_classes` to be at least 1, but got 0"):
        PixelToSegmentLoss(0, annotation=None, cooccurrence=None, similarity=None)
