"""The projector against its formula."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")

from baselines.common.projector import Projector


@pytest.mark.parametrize("bias", [True, False])
def test_layers_follow_each_other_with_activations_between(bias: bool) -> None:
    torch.manual_seed(0)
    made = Projector(depth=2, input_dim=3, output_dim=5, act=torch.nn.GELU(), bias=bias)
    assert [name for name, _ in made.named_parameters() if name.endswith("weight")] == [
        "linear_1.weight",
        "linear_2.weight",
    ]
    features = torch.randn(4, 3)
    inner = torch.nn.functional.gelu(features @ made.linear_1.weight.T + (made.linear_1.bias if bias else 0))
    expected = inner @ made.linear_2.weight.T + (made.linear_2.bias if bias else 0)
    torch.testing.assert_close(made(features), expected)


def test_features_take_the_dtype_of_the_weights() -> None:
    made = Projector(depth=1, input_dim=3, output_dim=5, act=torch.nn.GELU()).to(torch.bfloat16)
    assert made(torch.zeros(2, 3)).dtype == torch.bfloat16


def test_without_layers_features_stay() -> None:
    features = torch.randn(2, 3)
    assert Projector(depth=0, input_dim=3, output_dim=3, act=torch.nn.GELU())(features) is features
