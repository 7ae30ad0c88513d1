"""The projector's types by their published names."""

from __future__ import annotations

import re

from torch import nn

from baselines.common.projector import Projector
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


def make_projector(kind: str, input_dim: int, output_dim: int) -> Projector:
    """The projector of that type, with exact GELU between its layers.

    Args:
        kind: As :func:`check_projector_type`; ``identity`` has no layer.
        input_dim: Width of the tower.
        output_dim: Width of the decoder.

    Raises:
        InputError: An unknown type.
    """
    return Projector(depth=check_projector_type(kind), input_dim=input_dim, output_dim=output_dim, act=nn.GELU())
