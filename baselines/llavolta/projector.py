"""From the width of the vision tower to the width of the decoder."""

from __future__ import annotations

import re

from torch import Tensor, nn

from vdc.errors import InputError, Problem

_MLP = re.compile(r"^mlp(\d+)x_gelu$")


def check_projector_type(kind: str) -> int:
    """Linear layers that a projector type has.

    Args:
        kind: ``identity``, ``linear`` or ``mlp<n>x_gelu``.

    Raises:
        InputError: Another name.
    """
    if kind in ("identity", "linear"):
        return int(kind == "linear")
    found = _MLP.match(kind)
    if found is None or int(found[1]) < 1:
        raise InputError(
            Problem(
                f"projector type {kind!r}", "identity, linear or mlp<n>x_gelu", "the released models have mlp2x_gelu"
            )
        )
    return int(found[1])


class LlavoltaProjector(nn.Module):
    """Linear layers ``linear_1`` to ``linear_<n>`` with exact GELU between each two.

    Args:
        kind: As :func:`check_projector_type`; ``identity`` has no layer.
        input_dim: Width of the tower.
        output_dim: Width of the decoder.

    Raises:
        InputError: An unknown type.
    """

    def __init__(self, *, kind: str, input_dim: int, output_dim: int) -> None:
        super().__init__()
        self.depth = check_projector_type(kind)
        self.act = nn.GELU()
        for number in range(1, self.depth + 1):
            self.add_module(f"linear_{number}", nn.Linear(input_dim if number == 1 else output_dim, output_dim))

    def forward(self, features: Tensor) -> Tensor:
        """``(..., input dim)`` to ``(..., output dim)``."""
        for number in range(1, self.depth + 1):
            features = self.get_submodule(f"linear_{number}")(features if number == 1 else self.act(features))
        return features
