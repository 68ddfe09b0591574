import pytest

from weakseg.method import polynomial_decay


def test_it_rises_over_the_warm_up_and_falls_afterwards():
    factors = [polynomial_decay(step, max_steps=50, warmup=10) for step in range(51)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[:10] == sorted(factors[:10])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[-1] == 0


def test_it_starts_at_one_without_a_warm_up():
    assert polynomial_decay(0, max_steps=50) == 1


def test_it_stays_zero_after_the_end():
    assert polynomial_decay(60, max_steps=50, warmup=10) == 0


@pytest.mark.parametrize("arguments", [{"step": -1, "max_steps": 5}, {"step": 0, "max_steps": 0}])
def test_wrong_arguments_are_named(arguments):
    with pytest.raises(ValueError, match="`step` ≥ 0, `max_steps` ≥ 1"):
        polynomial_decay(**arguments)
