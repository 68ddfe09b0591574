"""Classes of regions, learned from the tags of images alone."""

import pytest
import torch

from weakseg.seeds.tag_regression import (
    PENALTIES,
    TaggedRegions,
    assign,
    choose_penalty,
    fit_tag_regression,
    tag_evidence,
)

IMAGES, REGIONS, CLASSES = 60, 12, 8


@pytest.fixture(scope="module")
def crowd() -> tuple[TaggedRegions, torch.Tensor]:
    """Return images in which class 1 is nearly everywhere, and the true class of each region.

    Half of an image is background, and each of its classes covers an equal part of the rest.
    """
    generator = torch.Generator().manual_seed(0)
    centres = 1.5 * torch.randn(CLASSES, 24, generator=generator)
    truth, share = [], []
    for number in range(IMAGES):
        others = 2 + torch.randperm(CLASSES - 2, generator=generator)[:2]
        present = torch.cat([others, torch.ones(1, dtype=torch.long)])[
            : 2 if number % 15 == 0 else 3
        ]
        each = (REGIONS // 2) // len(present)
        labels = torch.cat([present.repeat(each), torch.zeros(REGIONS - each * len(present))])
        truth.append(labels.long())
        expected = torch.zeros(CLASSES)
        expected[present], expected[0] = 0.5 / len(present), 0.5
        share.append(expected)
    label = torch.cat(truth)
    image = torch.arange(IMAGES).repeat_interleave(REGIONS)
    vector = centres[label] + torch.randn(len(label), 24, generator=generator)
    shares = torch.stack(share)
    area = torch.full((len(label),), 1 / REGIONS)
    return TaggedRegions(vector, image, area, shares[image] > 0, shares), label


def test_tags_alone_tell_the_class_of_regions_a_frequent_one_too(crowd):
    regions, label = crowd
    found = fit_tag_regression(regions, l2=2e-3)
    assigned = assign(found.logits(regions.vector), regions).argmax(dim=1)
    for class_id in range(CLASSES):
        of_class = label == class_id
        assert (assigned[of_class] == class_id).float().mean() > 0.8, class_id


def test_the_regression_finds_classes_in_regions_of_unknown_tags(crowd):
    regions, label = crowd
    new = torch.arange(IMAGES) >= 45
    found = fit_tag_regression(regions.only(~new), l2=2e-3)
    logits = found.logits(regions.only(new).vector)
    assert (logits.argmax(dim=1) == label[new[regions.image]]).float().mean() > 0.75


def test_balanced_classes_cover_what_is_expected_and_only_where_they_can_be(crowd):
    regions, _ = crowd
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(regions.allowed.shape, generator=generator)
    part = assign(logits, regions)
    assert (part[~regions.allowed] == 0).all()
    torch.testing.assert_close(part.sum(dim=1), torch.ones(len(part)))
    covered = torch.zeros_like(regions.share).index_add(
        0, regions.image, part * regions.area[:, None]
    )
    torch.testing.assert_close(covered, regions.share, atol=0.02, rtol=0)


def test_without_balance_the_logits_decide(crowd):
    regions, _ = crowd
    logits = torch.zeros(regions.allowed.shape)
    logits[:, 0] = 9.0
    assert (assign(logits, regions, balance=0.0).argmax(dim=1) == 0).all()
    balanced = assign(logits, regions, balance=1.0)
    torch.testing.assert_close(balanced[:, 0], torch.full((len(logits),), 0.5), atol=0.02, rtol=0)


def test_a_class_of_every_image_has_no_evidence_and_a_rare_one_has(crowd):
    regions, label = crowd
    evidence = tag_evidence(regions)
    assert evidence[:, 0].abs().max() == 0
    assert evidence[label == 4, 4].mean() > evidence[label != 4, 4].mean() + 0.5


def test_some_images_keep_their_own_regions(crowd):
    regions, _ = crowd
    chosen = torch.zeros(IMAGES, dtype=torch.bool)
    chosen[[3, 7]] = True
    some = regions.only(chosen)
    assert some.image.tolist() == [0] * REGIONS + [1] * REGIONS
    torch.testing.assert_close(some.vector[-1], regions.vector[8 * REGIONS - 1])
    torch.testing.assert_close(some.share[1], regions.share[7])


def test_the_penalty_is_chosen_by_held_out_images_and_one_image_gets_the_usual(crowd):
    regions, _ = crowd
    assert choose_penalty(regions) in PENALTIES
    one = regions.only(torch.arange(IMAGES) == 0)
    assert choose_penalty(one) == PENALTIES[-2]
