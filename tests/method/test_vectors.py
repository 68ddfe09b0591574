import pytest
import torch

from weakseg.method import unit_length
from weakseg.method.vectors import full_precision


def test_unit_length_leaves_a_zero_vector_and_its_gradient_finite():
    vectors = torch.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    unit = unit_length(vectors)
    assert unit.tolist() == [pytest.approx([0.6, 0.8]), [0.0, 0.0]]
    unit.sum().backward()
    assert vectors.grad.abs().max() <= 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_precision_becomes_float32_and_doubles_stay(dtype):
    assert full_precision(torch.ones(2, dtype=dtype)).dtype == torch.float32
    assert full_precision(torch.ones(2, dtype=torch.float64)).dtype == torch.float64
