"""The numbers of the paper's released code, where the folder that holds them is present.

The folder is `$WEAKSEG_SHARED/golden`, by default `../shared/golden` beside the repository.
"""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.method import (
    MemoryBank,
    PixelToSegmentLoss,
    Prototypes,
    Relation,
    colour_features,
    contrastive_loss,
    grid_labels,
    location_features,
    majority_label,
    nearest_labels,
    polynomial_decay,
    propagate_labels,
    segment_pixels,
    segment_prototypes,
    set_contrastive_loss,
    spherical_kmeans,
    unit_length,
    vote_share,
)

REPOSITORY = Path(__file__).parents[2]
SHARED = Path(os.environ.get("WEAKSEG_SHARED", "../shared"))
GOLDEN = (REPOSITORY / SHARED / "golden").resolve()

pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"no golden cases at {GOLDEN}")


def load(name):
    def convert(array):
        return array.item() if array.ndim == 0 else torch.from_numpy(array)

    with np.load(GOLDEN / f"{name}.npz") as arrays:
        return SimpleNamespace(**{key: convert(array) for key, array in arrays.items()})


def assert_matches(actual, expected, relative=1e-4):
    """Relative to the size of the whole: single entries of a gradient may be near zero."""
    expected = torch.as_tensor(expected)
    scale = expected.abs().max().item() if expected.numel() else 0.0
    torch.testing.assert_close(
        torch.as_tensor(actual, dtype=expected.dtype),
        expected,
        rtol=relative,
        atol=relative * 0.1 * scale,
    )


def with_location(embedding):
    height, width = embedding.shape[-2:]
    location = location_features(height, width).permute(2, 0, 1).expand(len(embedding), -1, -1, -1)
    return torch.cat([unit_length(embedding, dim=1), location], dim=1)


def test_location_runs_from_minus_to_plus_a_half():
    golden = load("local_location")
    location = location_features(*golden.size.tolist())
    assert_matches(location.expand_as(golden.features), golden.features)


def test_colour_is_that_of_the_released_kernel():
    golden = load("local_location_color")
    colour = colour_features(golden.image, tuple(golden.size.tolist()))
    assert_matches(colour, golden.features[..., 2:])


def test_kmeans_starts_from_the_grid():
    golden = load("kmeans_grid")
    height, width = golden.initial_labels.shape
    labels = grid_labels(height, width, tuple(golden.grid_yx.tolist()))
    assert torch.equal(labels, golden.initial_labels)
    assert_matches(location_features(height, width), golden.location_hw2)


def test_kmeans_finds_the_clusters():
    golden = load("kmeans_grid")
    features = with_location(golden.embedding_nchw)
    expected = golden.normalized_with_location
    assert_matches(unit_length(features, dim=1).permute(0, 2, 3, 1), expected)
    grid = tuple(golden.grid_yx.tolist())
    labels = spherical_kmeans(features, grid=grid, iterations=golden.iterations)
    assert torch.equal(labels, golden.labels)


def test_prototypes_are_mean_directions():
    golden = load("prototypes")
    prototypes = segment_prototypes(golden.embedding, golden.labels, golden.num)
    assert_matches(prototypes, golden.prototypes)
    nearest = nearest_labels(golden.embedding, prototypes, torch.arange(golden.num), k=1)
    assert torch.equal(nearest.squeeze(1), golden.nearest)


def test_clusters_are_split_by_annotation_and_oversegment():
    golden = load("segment_by_kmeans")
    annotation = golden.semantic.masked_fill(golden.semantic == 255, UNLABELLED)
    segments = segment_pixels(
        golden.embedding_nchw,
        annotation.masked_fill(golden.excluded, VOID),
        golden.instance,
        grid=tuple(golden.grid_yx.tolist()),
        iterations=golden.iterations,
    )
    assert_matches(segments.pixel, golden.pixel_embedding)
    assert_matches(segments.pixel_with_location, golden.pixel_embedding_with_location)
    expected = golden.pixel_semantic.masked_fill(golden.pixel_semantic == 255, UNLABELLED)
    assert torch.equal(segments.annotation, expected)
    assert torch.equal(segments.oversegment, golden.pixel_instance)
    assert torch.equal(segments.image, golden.pixel_image)
    assert torch.equal(segments.segment, golden.pixel_segment)  # even the numbers


def check_loss(golden, function, label, prototype_label):
    pixel = golden.embedding.clone().requires_grad_()
    prototype = golden.prototype.clone().requires_grad_()
    arguments = (pixel, label, golden.segment, prototype, prototype_label)
    per_pixel = function(*arguments, concentration=golden.concentration, reduction="none")
    assert_matches(per_pixel.detach(), golden.per_pixel)
    loss = function(*arguments, concentration=golden.concentration)
    assert_matches(loss.detach(), golden.loss)
    loss.backward()
    assert_matches(pixel.grad, golden.grad_embedding, 1e-3)
    assert_matches(prototype.grad, golden.grad_prototype, 1e-3)


@pytest.mark.parametrize("name", ["contrastive_0", "contrastive_1", "contrastive_2"])
def test_contrastive_loss_matches(name):
    golden = load(name)
    check_loss(golden, contrastive_loss, golden.label, golden.prototype_label)


@pytest.mark.parametrize("name", ["set_contrastive_0", "set_contrastive_1"])
def test_set_contrastive_loss_matches(name):
    golden = load(name)
    check_loss(golden, set_contrastive_loss, golden.tags, golden.prototype_tags)


def memory_of(golden, unlabelled):
    """Steps that lack a part (the released code stored only what a recipe needs) get zeros."""
    bank = MemoryBank(golden.memory_size)
    for step in range(golden.memory_size):
        entry = {
            key.removeprefix(f"memory{step}_"): value
            for key, value in vars(golden).items()
            if key.startswith(f"memory{step}_")
        }
        prototype, label = entry["prototype"], entry["label"]
        count, dimensions = prototype.shape
        image = entry.get("image", torch.zeros(count, dtype=torch.long))
        bank.append(
            Prototypes(
                prototype,
                entry.get("prototype_with_location", torch.zeros(count, dimensions + 2)),
                label.masked_fill(label == unlabelled, UNLABELLED),
                entry.get("tags", torch.zeros(count, golden.num_classes)).bool(),
                image - image.min(),
            )
        )
    return bank


def relation_of(golden, name):
    if not hasattr(golden, f"weight_{name}"):
        return None
    weight, concentration = (
        getattr(golden, f"{what}_{name}") for what in ("weight", "concentration")
    )
    return Relation(weight, concentration)


def similarity_of(golden, objective, embedding, dtype, *, released):
    """The similarity relation as a plain formula over our segments.

    The released code takes the numerator as (sum over the label) − (own term), in float32, and the
    own term where that is not positive. At κ = 16 an own term of e^16 swallows what others add, so
    up to 4 % of the golden loss is rounding: the numbers follow the order of summation.
    """
    unlabelled = getattr(golden, "unlabelled_index", 255)
    segments = segment_pixels(
        embedding.to(dtype),
        golden.semantic.masked_fill(golden.semantic == unlabelled, UNLABELLED),
        golden.instance,
        grid=objective.grid,
        embedding_scale=objective.embedding_scale,
    )
    pixel = segments.pixel_with_location if objective.similarity_on_location else segments.pixel
    prototype = segment_prototypes(pixel, segments.segment)
    label, image = segments.of_segment(segments.oversegment), segments.of_segment(segments.image)
    losses = []
    for index in range(len(embedding)):
        rows, columns = segments.image == index, image == index
        own = segments.segment[rows] - int(columns.int().argmax())
        weight = (golden.concentration_similarity * pixel[rows] @ prototype[columns].T).exp()
        own_weight = weight.gather(1, own[:, None]).squeeze(1)
        same = segments.oversegment[rows][:, None] == label[columns][None, :]
        other = (weight * ~same).sum(dim=1)
        if released:
            numerator = (weight * same).sum(dim=1) - own_weight
        else:
            numerator = (weight * same).scatter(1, own[:, None], 0).sum(dim=1)
        numerator = torch.where(numerator > 0, numerator, own_weight)
        losses.append(-(numerator / (numerator + other)).log())
    return golden.weight_similarity * torch.cat(losses).mean()


OBJECTIVES = [
    "objective_tags",
    "objective_scribble",
    "objective_point_nomemory",
    "objective_affinity",
    "objective_affinity_nomemory",
]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objective_matches(name):
    golden = load(name)
    unlabelled = getattr(golden, "unlabelled_index", 255)
    names = ["annotation", "cooccurrence", "similarity", "affinity"]
    relations = {relation: relation_of(golden, relation) for relation in names}
    options = {}
    if relations["affinity"]:
        options = {
            "embedding_scale": golden.embedding_scale_in_location,
            "affinity_threshold": golden.affinity_threshold,
            "affinity_k": golden.affinity_top_k,
            "similarity_on_location": False,
        }
    objective = PixelToSegmentLoss(
        golden.num_classes,
        **relations,
        grid=tuple(golden.grid_yx.tolist()),
        iterations=golden.iterations,
        **options,
    )
    embedding = golden.embedding_nchw.clone().requires_grad_()
    tags = getattr(golden, "image_tags", torch.zeros(len(embedding), golden.num_classes)).bool()
    memory = memory_of(golden, unlabelled)
    losses = objective(
        embedding,
        golden.semantic.masked_fill(golden.semantic == unlabelled, UNLABELLED),
        golden.instance,
        tags,
        memory,
    )
    assert set(losses) == {relation for relation in names if relations[relation]}
    exact = losses.pop("similarity")
    for relation, loss in losses.items():
        assert_matches(loss.detach(), getattr(golden, f"loss_{relation}"))

    # The released similarity loss is rounded; with its rounding everything is as released.
    rounded = similarity_of(golden, objective, embedding, torch.float32, released=True)
    assert_matches(rounded.detach(), golden.loss_similarity)
    (gradient,) = torch.autograd.grad(sum(losses.values()) + rounded, embedding, retain_graph=True)
    assert_matches(gradient, golden.grad_embedding_nchw, 1e-3)

    # Ours is what the formula gives where nothing is rounded away.
    unrounded = similarity_of(golden, objective, embedding, torch.float64, released=False)
    assert_matches(exact.detach(), unrounded.detach(), 1e-5)
    (gradient,) = torch.autograd.grad(exact, embedding)
    (expected,) = torch.autograd.grad(unrounded, embedding)
    assert_matches(gradient, expected, 1e-4)
    assert exact.item() == pytest.approx(golden.loss_similarity, rel=0.05)
    if golden.memory_size:
        assert len(memory.steps()[-1].label) == golden.num_prototypes


@pytest.mark.parametrize("name", ["affinity_tags", "affinity_tags_k3"])
def test_labels_are_propagated_inside_an_image(name):
    golden = load(name)
    found = propagate_labels(
        golden.prototype,
        golden.prototype_label,
        golden.prototype_image,
        num_classes=golden.num_classes,
        threshold=golden.threshold,
        k=golden.top_k,
    )
    assert torch.equal(found, golden.tags.bool())


def test_the_nearest_prototypes_vote():
    golden = load("retrieval")
    labels = nearest_labels(golden.query, golden.memory, golden.memory_label, k=golden.k)
    num_classes = golden.topk_share.shape[1]
    assert torch.equal(labels, golden.topk_labels)
    assert_matches(vote_share(labels, num_classes), golden.topk_share)
    assert torch.equal(vote_share(labels, num_classes).argmax(dim=1), golden.vote)


def test_a_segment_takes_its_most_frequent_label():
    golden = load("majority_label")
    majority = majority_label(golden.segment, golden.label, num_classes=6)
    assert torch.equal(majority, golden.majority)


def test_the_learning_rate_warms_up_and_decays():
    golden = load("poly_schedule")
    for step, expected in zip(golden.steps.tolist(), golden.lr.tolist(), strict=True):
        factor = polynomial_decay(
            step, max_steps=golden.max_steps, warmup=golden.warmup, power=golden.power
        )
        assert golden.base_lr * factor == pytest.approx(expected, rel=1e-6)
