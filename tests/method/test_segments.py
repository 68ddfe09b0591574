import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.method import location_features, majority_label, segment_pixels, segment_prototypes


def batch(seed=0, size=8, batch_size=3, dimensions=5):
    generator = torch.Generator().manual_seed(seed)
    shape = (batch_size, size, size)
    embedding = torch.randn(batch_size, dimensions, size, size, generator=generator)
    values = torch.tensor([0, 1, UNLABELLED, VOID])
    annotation = values[torch.randint(4, shape, generator=generator)]
    oversegment = torch.randint(3, shape, generator=generator)
    return embedding, annotation, oversegment


def test_a_segment_has_one_image_one_annotation_and_one_oversegment():
    segments = segment_pixels(*batch(), grid=(2, 2))
    for values in (segments.image, segments.annotation, segments.oversegment):
        assert torch.equal(segments.of_segment(values)[segments.segment], values)


def test_segments_are_numbered_without_gaps_and_image_by_image():
    segments = segment_pixels(*batch(), grid=(2, 2))
    assert segments.segment.unique().tolist() == list(range(segments.num_segments))
    image = segments.of_segment(segments.image)
    assert torch.equal(image, image.sort().values)
    assert torch.equal(segments.image, segments.image.sort().values)


def test_void_pixels_are_absent_and_unlabelled_ones_are_not():
    embedding, annotation, oversegment = batch()
    segments = segment_pixels(embedding, annotation, oversegment, grid=(2, 2))
    assert torch.equal(segments.annotation, annotation[annotation != VOID])
    assert (segments.annotation == UNLABELLED).any()


def test_what_void_pixels_hold_does_not_matter():
    embedding, annotation, oversegment = batch()
    void = (annotation == VOID)[:, None]
    changed = torch.where(void, torch.randn_like(embedding), embedding)
    one = segment_pixels(embedding, annotation, oversegment, grid=(2, 2))
    other = segment_pixels(changed, annotation, oversegment, grid=(2, 2))
    assert torch.equal(one.segment, other.segment)


def test_pixels_have_unit_length_with_and_without_location():
    segments = segment_pixels(*batch(), grid=(2, 2), embedding_scale=0.1)
    for pixel in (segments.pixel, segments.pixel_with_location):
        torch.testing.assert_close(pixel.norm(dim=1), torch.ones(len(pixel)))


def test_the_scale_shrinks_the_embedding_beside_the_location_but_not_in_kmeans():
    arguments = batch()
    whole = segment_pixels(*arguments, grid=(2, 2))
    shrunk = segment_pixels(*arguments, grid=(2, 2), embedding_scale=0.1)
    assert torch.equal(whole.segment, shrunk.segment)
    ratio = shrunk.pixel_with_location[:, :5].norm(dim=1) / shrunk.pixel_with_location[:, 5:].norm(
        dim=1
    )
    full = whole.pixel_with_location[:, :5].norm(dim=1) / whole.pixel_with_location[:, 5:].norm(
        dim=1
    )
    torch.testing.assert_close(ratio, 0.1 * full)


def test_location_is_what_stands_beside_the_embedding_by_default():
    arguments = batch()
    default = segment_pixels(*arguments, grid=(2, 2))
    given_location = segment_pixels(*arguments, grid=(2, 2), local=location_features(8, 8))
    assert torch.equal(default.segment, given_location.segment)
    assert torch.equal(default.pixel_with_location, given_location.pixel_with_location)


def test_local_features_can_be_given_per_image():
    segments = segment_pixels(*batch(), grid=(2, 2), local=torch.randn(3, 8, 8, 4))
    assert segments.pixel_with_location.shape[1] == 9


def test_a_batch_of_void_alone_has_no_segments():
    embedding, annotation, oversegment = batch()
    annotation = torch.full_like(annotation, VOID)
    segments = segment_pixels(embedding, annotation, oversegment, grid=(2, 2))
    assert segments.pixel.shape == (0, 5)
    assert segments.num_segments == 0
    assert segment_prototypes(segments.pixel, segments.segment).shape == (0, 5)


def test_label_maps_may_be_bytes_and_oversegments_any_integers():
    embedding, annotation, oversegment = batch()
    plain = segment_pixels(embedding, annotation, oversegment, grid=(2, 2))
    other = segment_pixels(embedding, annotation.byte(), oversegment * 2**40 - 7, grid=(2, 2))
    assert torch.equal(plain.segment, other.segment)


def test_gradient_flows_to_the_embedding_but_not_from_the_grouping():
    embedding, annotation, oversegment = batch()
    embedding.requires_grad_()
    segments = segment_pixels(embedding, annotation, oversegment, grid=(2, 2))
    prototype = segment_prototypes(segments.pixel_with_location, segments.segment)
    prototype[:, 0].sum().backward()
    void = (annotation == VOID)[:, None].expand_as(embedding)
    assert embedding.grad.isfinite().all()
    assert (embedding.grad[void] == 0).all()
    assert (embedding.grad[~void] != 0).any()


@given(seed=st.integers(0, 2**31), count=st.integers(0, 30), segments=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_a_prototype_is_the_direction_of_the_sum(seed, count, segments):
    generator = torch.Generator().manual_seed(seed)
    pixel = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    segment = torch.randint(segments, (count,), generator=generator)
    actual = segment_prototypes(pixel, segment, segments)
    for index in range(segments):
        total = pixel[segment == index].sum(dim=0)
        length = total.norm()
        expected = total / length if length > 0 else total
        torch.testing.assert_close(actual[index], expected)


def test_the_majority_is_that_of_the_pixels_and_ties_go_to_the_lowest_class():
    generator = np.random.default_rng(0)
    segment, label = generator.integers(0, 9, 400), generator.integers(0, 4, 400)
    actual = majority_label(torch.from_numpy(segment), torch.from_numpy(label), num_classes=4)
    expected = [np.bincount(label[segment == index], minlength=4).argmax() for index in range(9)]
    assert actual.tolist() == expected


def test_labels_that_are_no_class_have_no_vote():
    segment = torch.tensor([0, 0, 0, 1])
    label = torch.tensor([UNLABELLED, VOID, 2, UNLABELLED])
    assert majority_label(segment, label, num_classes=3, num_segments=3).tolist() == [
        2,
        UNLABELLED,
        UNLABELLED,
    ]


def test_wrong_arguments_are_named():
    embedding, annotation, oversegment = batch()
    with pytest.raises(ValueError, match=r"`annotation` to be \(3, 8, 8\) like the embedding"):
        segment_pixels(embedding, annotation[:, :4], oversegment, grid=(2, 2))
    with pytest.raises(ValueError, match=r"`oversegment` to be \(3, 8, 8\) like the embedding"):
        segment_pixels(embedding, annotation, oversegment[:2], grid=(2, 2))
    with pytest.raises(ValueError, match=r"`embedding` to be \(B, D, H, W\)"):
        segment_pixels(embedding[0], annotation, oversegment, grid=(2, 2))
    with pytest.raises(ValueError, match="`pixel` and `segment` to be of one length"):
        segment_prototypes(torch.zeros(3, 2), torch.zeros(2, dtype=torch.long))
