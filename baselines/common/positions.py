"""How many positions a language model can see."""

from __future__ import annotations

from typing import Any


def context_length(text_config: Any) -> int:
    """Positions that a language model was trained for, stretched as its configuration says."""
    rope = dict(text_config.rope_parameters or {})
    factor = float(rope.get("factor", 1.0)) if rope.get("rope_type") == "linear" else 1.0
    return int(text_config.max_position_embeddings * factor)
