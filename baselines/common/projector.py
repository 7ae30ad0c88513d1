"""From the width of the vision tower to the width of the decoder."""

from __future__ import annotations

from torch import Tensor, nn


class Projector(nn.Module):
    """Linear layers ``linear_1`` to ``linear_<depth>`` with an activation between each two.

    Args:
        depth: Linear layers; 0 leaves features as they are.
        input_dim: Width of the tower.
        output_dim: Width of the decoder.
        act: The activation.
        bias: Whether layers have one.
    """

    def __init__(self, *, depth: int, input_dim: int, output_dim: int, act: nn.Module, bias: bool = True) -> None:
        super().__init__()
        self.depth = depth
        self.act = act
        for number in range(1, depth + 1):
            layer = nn.Linear(input_dim if number == 1 else output_dim, output_dim, bias=bias)
            self.add_module(f"linear_{number}", layer)

    def forward(self, features: Tensor) -> Tensor:
        """``(..., input dim)`` to ``(..., output dim)``; features of another dtype take that of the weights."""
        weight = next(self.parameters(), None)
        # A quantised projector holds integers; its own layer then casts.
        if weight is not None and weight.is_floating_point():
            features = features.to(weight.dtype)
        for number in range(1, self.depth + 1):
            features = self.get_submodule(f"linear_{number}")(features if number == 1 else self.act(features))
        return features
