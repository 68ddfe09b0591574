"""The loss on five directions in the plane, against a plain loop, and where it could break."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weakseg.method import comparison, contrastive_loss, set_contrastive_loss


def directions(*degrees):
    angle = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angle.cos(), angle.sin()], dim=1)


def cosine(degrees):
    return math.cos(math.radians(degrees))


def plain_loss(pixel, own, prototype, same, concentration):
    """The paper's formula, one pixel and one prototype at a time, in Python's doubles."""
    losses = []
    for n in range(len(pixel)):
        weight = [
            math.exp(concentration * sum(a * b for a, b in zip(pixel[n], p, strict=True)))
            for p in prototype
        ]
        positive = sum(w for p, w in enumerate(weight) if same[n][p] and p != own[n])
        numerator = positive or weight[own[n]]
        other = sum(w for p, w in enumerate(weight) if not same[n][p])
        losses.append(-math.log(numerator / (numerator + other)))
    return torch.tensor(losses, dtype=torch.float64)


def random_case(seed, pixels=60, segments=9, dimensions=5, labels=3, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)

    def unit(*shape):
        vectors = torch.randn(*shape, generator=generator, dtype=torch.float64)
        return torch.nn.functional.normalize(vectors, dim=-1).to(dtype)

    def integers(high, *shape):
        return torch.randint(high, shape, generator=generator)

    prototype_label = integers(labels, segments)
    own = integers(segments, pixels)
    tags = integers(2, segments, labels).bool()
    return {
        "pixel": unit(pixels, dimensions),
        "own": own,
        "prototype": unit(segments, dimensions),
        "prototype_label": prototype_label,
        "pixel_label": prototype_label[own],
        "prototype_tags": tags,
        "pixel_tags": tags[own],
    }


def label_loss(case, **options):
    return contrastive_loss(
        case["pixel"],
        case["pixel_label"],
        case["own"],
        case["prototype"],
        case["prototype_label"],
        **options,
    )


def set_loss(case, **options):
    return set_contrastive_loss(
        case["pixel"],
        case["pixel_tags"],
        case["own"],
        case["prototype"],
        case["prototype_tags"],
        **options,
    )


LOSSES = pytest.mark.parametrize("loss", [label_loss, set_loss])


def test_a_pixel_is_compared_with_the_others_of_its_label_not_with_its_own_segment():
    prototype = directions(0, 60, 90, 180, 270)
    label = torch.tensor([0, 0, 1, 1, 2])
    actual = contrastive_loss(
        directions(0), label[:1], torch.tensor([0]), prototype, label, concentration=2.0
    )
    near = math.exp(2 * cosine(60))
    far = math.exp(2 * cosine(90)) + math.exp(2 * cosine(180)) + math.exp(2 * cosine(270))
    assert actual.item() == pytest.approx(-math.log(near / (near + far)))


def test_a_pixel_whose_segment_is_the_only_one_of_its_label_is_held_by_that_segment():
    prototype = directions(0, 90, 180, 270)
    label = torch.tensor([7, 1, 1, 1])
    actual = contrastive_loss(
        directions(30), label[:1], torch.tensor([0]), prototype, label, concentration=3.0
    )
    near = math.exp(3 * cosine(30))
    far = sum(math.exp(3 * cosine(angle)) for angle in (60, 150, 240))
    assert actual.item() == pytest.approx(-math.log(near / (near + far)))


def test_sets_that_meet_attract_and_sets_that_do_not_repel():
    prototype = directions(0, 60, 120, 180, 240)
    tags = torch.tensor([[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [0, 0, 0]]).bool()
    actual = set_contrastive_loss(
        directions(0), tags[:1], torch.tensor([0]), prototype, tags, concentration=2.0
    )
    near = math.exp(2 * cosine(60)) + math.exp(2 * cosine(180))
    far = math.exp(2 * cosine(120)) + math.exp(2 * cosine(240))
    assert actual.item() == pytest.approx(-math.log(near / (near + far)))


def test_a_pixel_without_tags_meets_nothing_not_even_its_own_segment():
    prototype = directions(0, 90)
    tags = torch.tensor([[0, 0], [1, 0]]).bool()
    actual = set_contrastive_loss(
        directions(0), tags[:1], torch.tensor([0]), prototype, tags, concentration=2.0
    )
    near, far = math.exp(2.0), math.exp(2.0) + 1
    assert actual.item() == pytest.approx(-math.log(near / (near + far)))


def test_sets_that_share_half_attract_with_one_half_and_repel_with_the_other():
    """{0, 1} shares tag 0 with {0, 2}: (1 − 0.5) / (1 − 0.5 · 0) of it; with {2} nothing."""
    prototype = directions(0, 60, 120)
    tags = torch.tensor([[1, 1, 0], [1, 0, 1], [0, 0, 1]]).bool()
    actual = set_contrastive_loss(
        directions(0),
        tags[:1],
        torch.tensor([0]),
        prototype,
        tags,
        concentration=2.0,
        tag_weights=torch.tensor([0.5, 1.0, 1.0]),
    )
    half, none = math.exp(2 * cosine(60)), math.exp(2 * cosine(120))
    assert actual.item() == pytest.approx(-math.log(0.5 * half / (half + none)))


@given(seed=st.integers(0, 2**31), labels=st.integers(1, 6))
@settings(max_examples=15, deadline=None)
def test_weights_of_one_are_the_rule_without_weights(seed, labels):
    case = random_case(seed, labels=labels)
    options = {"concentration": 6.0, "reduction": "none"}
    weighted = set_loss(case, tag_weights=torch.ones(labels), **options)
    assert torch.equal(weighted, set_loss(case, **options))


def test_a_tag_of_weight_zero_is_no_tag():
    case = random_case(9, labels=4)
    without = case | {key: case[key][:, 1:] for key in ("pixel_tags", "prototype_tags")}
    options = {"concentration": 6.0, "reduction": "none"}
    weighted = set_loss(case, tag_weights=torch.tensor([0.0, 1.0, 1.0, 1.0]), **options)
    torch.testing.assert_close(weighted, set_loss(without, **options))


@given(seed=st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_the_weighted_loss_is_the_formula_written_as_a_loop(seed):
    case = random_case(seed, pixels=12, segments=6, labels=4)
    weights = torch.rand(4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    actual = set_loss(case, tag_weights=weights, concentration=5.0, reduction="none")
    expected = [
        plain_weighted_loss(case, pixel, weights.tolist(), concentration=5.0) for pixel in range(12)
    ]
    torch.testing.assert_close(actual, torch.tensor(expected, dtype=torch.float64))


def plain_weighted_loss(case, pixel, weights, concentration):
    own = int(case["own"][pixel])
    tags = {c for c, has in enumerate(case["pixel_tags"][pixel]) if has}
    positive = others = held = 0.0
    for segment, row in enumerate(case["prototype_tags"]):
        shared = tags & {c for c, has in enumerate(row) if has}
        whole = 1 - math.prod(1 - weights[c] for c in tags)
        share = (1 - math.prod(1 - weights[c] for c in shared)) / whole if whole else 0.0
        term = math.exp(concentration * float(case["pixel"][pixel] @ case["prototype"][segment]))
        others += (1 - share) * term
        if segment == own:
            held = term
        else:
            positive += share * term
    positive = positive or held
    return -math.log(positive / (positive + others))


@given(seed=st.integers(0, 2**31), labels=st.integers(1, 6), concentration=st.floats(0.1, 30))
@settings(max_examples=25, deadline=None)
def test_both_losses_are_the_formula_written_as_a_loop(seed, labels, concentration):
    case = random_case(seed, pixels=12, segments=6, labels=labels)
    pixel, own, prototype = (case[key].tolist() for key in ("pixel", "own", "prototype"))
    same = case["pixel_label"][:, None] == case["prototype_label"][None, :]
    expected = plain_loss(pixel, own, prototype, same, concentration)
    actual = label_loss(case, concentration=concentration, reduction="none")
    torch.testing.assert_close(actual, expected)
    meet = (case["pixel_tags"][:, None, :] & case["prototype_tags"][None, :, :]).any(dim=2)
    expected = plain_loss(pixel, own, prototype, meet, concentration)
    actual = set_loss(case, concentration=concentration, reduction="none")
    torch.testing.assert_close(actual, expected)


@given(seed=st.integers(0, 2**31), shift=st.integers(-5, 5))
@settings(max_examples=15, deadline=None)
def test_the_order_of_segments_and_the_names_of_labels_do_not_matter(seed, shift):
    case = random_case(seed)
    order = torch.randperm(len(case["prototype"]), generator=torch.Generator().manual_seed(seed))
    shuffled = case | {
        "prototype": case["prototype"][order],
        "prototype_label": case["prototype_label"][order] + shift,
        "pixel_label": case["pixel_label"] + shift,
        "own": order.argsort()[case["own"]],
    }
    options = {"concentration": 5.0, "reduction": "none"}
    torch.testing.assert_close(label_loss(shuffled, **options), label_loss(case, **options))


@LOSSES
def test_mean_and_sum_reduce_what_none_returns(loss):
    case = random_case(0)
    each = loss(case, concentration=6.0, reduction="none")
    assert each.shape == (60,)
    torch.testing.assert_close(loss(case, concentration=6.0, reduction="sum"), each.sum())
    torch.testing.assert_close(loss(case, concentration=6.0), each.mean())


@LOSSES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_gradient_is_that_of_the_value(loss, reduction):
    case = random_case(1, pixels=7, segments=5, dimensions=3)

    def value(pixel, prototype):
        changed = case | {"pixel": pixel, "prototype": prototype}
        return loss(changed, concentration=4.0, reduction=reduction)

    inputs = (case["pixel"].requires_grad_(), case["prototype"].requires_grad_())
    assert torch.autograd.gradcheck(value, inputs)


@LOSSES
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_blocks_groups_and_threads_change_neither_value_nor_gradient(loss, reduction, monkeypatch):
    case = random_case(2)
    results = []
    threads = torch.get_num_threads()
    try:
        for block, small, used in ((10**6, 1, 1), (9 * 7, 1, 2), (1, 1000, 1), (10**6, 1000, 3)):
            monkeypatch.setattr(comparison, "CPU_BLOCK", block)
            monkeypatch.setattr(comparison, "_SMALL", small)
            torch.set_num_threads(used)
            pixel = case["pixel"].clone().requires_grad_()
            prototype = case["prototype"].clone().requires_grad_()
            changed = case | {"pixel": pixel, "prototype": prototype}
            value = loss(changed, concentration=8.0, reduction=reduction)
            (value * torch.linspace(1, 3, value.numel())).sum().backward()
            results.append((value.detach(), pixel.grad, prototype.grad))
            assert torch.get_num_threads() == used
    finally:
        torch.set_num_threads(threads)
    for result in results[1:]:
        torch.testing.assert_close(result, results[0])


def test_number_of_threads_changes_no_bit_of_the_gradient():
    case = random_case(4, pixels=3000, segments=200, dimensions=16, dtype=torch.float32)
    gradients = []
    threads = torch.get_num_threads()
    try:
        for used in (1, 2, 3):
            torch.set_num_threads(used)
            prototype = case["prototype"].clone().requires_grad_()
            label_loss(case | {"prototype": prototype}, concentration=8.0).backward()
            gradients.append(prototype.grad)
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(gradient, gradients[0]) for gradient in gradients)


@LOSSES
def test_frozen_prototypes_get_no_gradient_and_frozen_pixels_neither(loss):
    case = random_case(3)
    pixel = case["pixel"].requires_grad_()
    loss(case, concentration=8.0).backward()
    assert pixel.grad is not None
    assert case["prototype"].grad is None
    with torch.no_grad():
        assert not loss(case, concentration=8.0).requires_grad


@LOSSES
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_full_at_a_concentration_of_sixteen(loss, dtype):
    case = random_case(4, pixels=300, segments=200, dimensions=16)
    half = case | {
        "pixel": case["pixel"].to(dtype).requires_grad_(),
        "prototype": case["prototype"].to(dtype),
    }
    rounded = case | {"pixel": half["pixel"].double(), "prototype": half["prototype"].double()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = loss(half, concentration=16.0)
    assert actual.dtype == torch.float32
    torch.testing.assert_close(
        actual.double(), loss(rounded, concentration=16.0), rtol=1e-4, atol=0
    )
    actual.backward()
    assert half["pixel"].grad.isfinite().all()


@pytest.mark.parametrize("concentration", [32.0, 33.0, 100.0, 300.0])
def test_opposite_directions_stay_exact_at_any_concentration(concentration):
    prototype = directions(0, 180, 0).float()
    pixel = directions(0).float().requires_grad_()
    label = torch.tensor([0, 0, 1])
    loss = contrastive_loss(
        pixel, label[:1], torch.tensor([0]), prototype, label, concentration=concentration
    )
    assert loss.item() == pytest.approx(2 * concentration, rel=1e-6)
    loss.backward()
    assert pixel.grad.isfinite().all()


def test_a_strong_own_segment_does_not_swallow_the_others():
    """exp(16) − exp(16) in float32 would leave nothing of the positive at a right angle."""
    prototype = directions(0, 100, 90).float()
    label = torch.tensor([0, 0, 1])
    loss = contrastive_loss(
        directions(0).float(), label[:1], torch.tensor([0]), prototype, label, concentration=16.0
    )
    near, far = math.exp(16 * cosine(100)), 1.0
    assert loss.item() == pytest.approx(-math.log(near / (near + far)), rel=1e-5)


@LOSSES
def test_no_pixels_give_zero_with_gradient(loss):
    case = random_case(5)
    empty = case | {
        "pixel": case["pixel"][:0].requires_grad_(),
        "own": case["own"][:0],
        "pixel_label": case["pixel_label"][:0],
        "pixel_tags": case["pixel_tags"][:0],
        "prototype": case["prototype"].requires_grad_(),
    }
    value = loss(empty, concentration=6.0)
    assert value.item() == 0
    value.backward()
    assert torch.equal(empty["prototype"].grad, torch.zeros_like(case["prototype"]))
    assert loss(empty, concentration=6.0, reduction="none").shape == (0,)


@LOSSES
def test_neither_pixels_nor_prototypes_give_zero(loss):
    empty = {key: value[:0] for key, value in random_case(6).items()}
    assert loss(empty, concentration=6.0).item() == 0


@LOSSES
def test_one_segment_alone_has_nothing_to_be_pushed_from(loss):
    case = random_case(7, segments=1, labels=1)
    case["prototype_tags"][:], case["pixel_tags"][:] = True, True
    pixel = case["pixel"].requires_grad_()
    value = loss(case, concentration=6.0)
    assert value.item() == 0
    value.backward()
    assert torch.equal(pixel.grad, torch.zeros_like(pixel))


def test_sets_of_many_classes_are_told_apart():
    """More classes than bits of an integer: sets that differ in one far column only."""
    tags = torch.zeros(3, 200, dtype=torch.bool)
    tags[0, [5, 190]], tags[1, [5, 191]], tags[2, 191] = True, True, True
    prototype = directions(0, 60, 120)
    actual = set_contrastive_loss(
        directions(0), tags[:1], torch.tensor([0]), prototype, tags, concentration=2.0
    )
    near, far = math.exp(2 * cosine(60)), math.exp(2 * cosine(120))
    assert actual.item() == pytest.approx(-math.log(near / (near + far)))


def test_weights_leave_the_gradient_that_of_the_value_in_blocks_too(monkeypatch):
    case = random_case(10, pixels=7, segments=5, dimensions=3, labels=4)
    monkeypatch.setattr(comparison, "CPU_BLOCK", 10)

    def value(pixel, prototype):
        changed = case | {"pixel": pixel, "prototype": prototype}
        return set_loss(changed, concentration=4.0, tag_weights=torch.tensor([0.1, 0.9, 0.5, 1.0]))

    inputs = (case["pixel"].requires_grad_(), case["prototype"].requires_grad_())
    assert torch.autograd.gradcheck(value, inputs)


@pytest.mark.parametrize("weights", [[0.5, 0.5], [0.5, 0.5, 1.5], [0.5, -0.1, 1], [math.nan] * 3])
def test_wrong_weights_are_named(weights):
    with pytest.raises(ValueError, match=r"`tag_weights` to be \(3,\), each from 0 to 1, but got"):
        set_loss(random_case(8), concentration=6.0, tag_weights=torch.tensor(weights))


@LOSSES
@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"own": torch.zeros(3, dtype=torch.long)}, {}, "`pixel_segment` to be of one length"),
        ({"prototype": torch.zeros(2, 5)}, {}, "`prototype` and its labels to be of one length"),
        ({}, {"concentration": 0.0}, r"`concentration` to be in \(0, 300\], but got 0.0"),
        ({}, {"concentration": 301.0}, "`concentration`"),
        ({}, {"reduction": "max"}, "`reduction` to be one of .* but got 'max'"),
    ],
)
def test_wrong_arguments_are_named(loss, change, options, message):
    with pytest.raises(ValueError, match=message):
        loss(random_case(8) | change, **({"concentration": 6.0} | options))
