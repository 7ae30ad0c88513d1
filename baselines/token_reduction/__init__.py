"""Fewer visual tokens: functions over tensors that need no model, and one interface over all of them."""

from baselines.token_reduction.frames import drop_frames, image_grid, sample_tokens, thumbnail_and_sampling
from baselines.token_reduction.interface import EncoderShape, FrameEncoder, TokenBudget, TokenReduction
from baselines.token_reduction.merging import (
    Matching,
    margin,
    match_tokens,
    merge_sum,
    merge_weighted,
    mergeable,
    trace_sources,
    unmerge,
)
from baselines.token_reduction.methods import METHODS, make_reduction
from baselines.token_reduction.pooling import evenly, pool_grid, pool_sequence, pool_space_time
from baselines.token_reduction.schedule import check_ratio, merges_per_layer, tokens_per_layer

__all__ = [
    "METHODS",
    "EncoderShape",
    "FrameEncoder",
    "Matching",
    "TokenBudget",
    "TokenReduction",
    "check_ratio",
    "drop_frames",
    "evenly",
    "image_grid",
    "make_reduction",
    "margin",
    "match_tokens",
    "merge_sum",
    "merge_weighted",
    "mergeable",
    "merges_per_layer",
    "pool_grid",
    "pool_sequence",
    "pool_space_time",
    "sample_tokens",
    "thumbnail_and_sampling",
    "tokens_per_layer",
    "trace_sources",
    "unmerge",
]
