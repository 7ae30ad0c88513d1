"""Every reduction through the one interface, and the functions under it."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")

import torch

from baselines.token_reduction import (
    METHODS,
    EncoderShape,
    TokenBudget,
    drop_frames,
    evenly,
    image_grid,
    make_reduction,
    pool_grid,
    pool_sequence,
    pool_space_time,
    sample_tokens,
)
from baselines.token_reduction.merging import match_tokens, merge_weighted
from baselines.token_reduction.schedule import merges_per_layer
from vdc.errors import InputError

SHAPE = EncoderShape(image_size=56, patch_size=14, layers=4, feature_layer=3)

SETTINGS: dict[str, dict[str, Any]] = {
    "none": {},
    "merging": {"token_kept_ratio": 0.3},
    "pooling": {"rows": 2, "columns": 2},
    "frames": {"keep": 3},
    "image_grid": {"rows": 2, "columns": 2},
    "space_time_pooling": {"frames": 4, "rows": 2, "columns": 3},
    "thumbnail_and_sampling": {"sampled": 20, "rows": 2, "columns": 2},
}


def encode(pixels: torch.Tensor, token_kept_ratio: float = 1.0) -> torch.Tensor:
    """A tower without weights: patches are the features, merging as in the real one."""
    patches = pixels.unfold(2, 14, 14).unfold(3, 14, 14)  # (frames, 3, 4, 4, 14, 14)
    tokens = patches.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
    tokens = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)
    sizes = None
    for _ in range(SHAPE.feature_layer):
        count = merges_per_layer(56, 56, 14, SHAPE.layers, token_kept_ratio)
        tokens, sizes = merge_weighted(tokens, sizes, match_tokens(tokens, count))
    return tokens[:, 1:]


@pytest.mark.parametrize("frames", [1, 5, 9])
@pytest.mark.parametrize("name", METHODS)
def test_every_reduction_gives_as_many_tokens_as_it_says(name: str, frames: int) -> None:
    reduction = make_reduction(name, **SETTINGS[name])
    pixels = torch.rand(frames, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    tokens = reduction.reduce(pixels, encode, SHAPE.grid)
    budget = reduction.budget(frames, SHAPE)
    assert tokens.shape == (budget.visual_tokens, 3 * 14 * 14)
    assert len(budget.encoder_tokens) == SHAPE.feature_layer
    assert budget.encoder_tokens[0] == SHAPE.patches + 1
    assert torch.isfinite(tokens).all()


def test_settings_of_every_reduction_are_tested() -> None:
    assert SETTINGS.keys() == METHODS.keys()


def test_names_carry_their_setting_and_unknown_ones_are_refused() -> None:
    assert make_reduction("merging", token_kept_ratio=0.2).name == "merging 0.2"
    with pytest.raises(InputError, match="did you mean 'merging'"):
        make_reduction("mergin")
    with pytest.raises(InputError, match="0 to 1"):
        make_reduction("merging", token_kept_ratio=2.0)


def test_a_budget_knows_what_each_decoder_layer_sees() -> None:
    assert TokenBudget(1, (), 8).decoder_tokens(3) == (8, 8, 8)
    assert TokenBudget(1, (), 8, compressing_layer=2, compressed_tokens=1).decoder_tokens(4) == (8, 8, 1, 1)


def test_pooling_by_hand() -> None:
    row = torch.tensor([[1.0], [3.0], [5.0], [7.0], [100.0]])
    assert pool_sequence(row, 2).flatten().tolist() == [2, 6]  # the rest of 1 is left out
    assert pool_sequence(row, 1).equal(row)
    grid = torch.arange(16.0).reshape(1, 16, 1)
    assert pool_grid(grid, (4, 4), (2, 2)).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    two = torch.cat([grid, grid + 100])
    assert pool_space_time(two, (4, 4), (1, 1, 1)).flatten().tolist() == [57.5]
    assert torch.equal(pool_space_time(two, (4, 4), (2, 4, 4)), two)


def test_collage_shows_frames_in_reading_order_and_black_where_there_is_none() -> None:
    pixels = torch.arange(1.0, 4.0)[:, None, None, None].expand(3, 3, 8, 8)
    collage = image_grid(pixels, 2, 2)
    assert collage.shape == (1, 3, 8, 8)
    assert [collage[0, 0, y, x].item() for y in (0, 7) for x in (0, 7)] == [1, 2, 3, 0]


@pytest.mark.parametrize(
    ("total", "wanted", "expected"), [(10, 4, [0, 3, 6, 9]), (5, 1, [0]), (4, 4, [0, 1, 2, 3]), (6, 3, [0, 3, 5])]
)
def test_even_spread_by_hand(total: int, wanted: int, expected: list[int]) -> None:
    assert evenly(total, wanted).tolist() == expected


def test_dropping_and_sampling_take_what_is_there() -> None:
    tokens = torch.arange(12.0).reshape(4, 3, 1)
    assert drop_frames(tokens, 2).flatten().tolist() == [0, 1, 2, 9, 10, 11]
    assert sample_tokens(tokens, 2).flatten().tolist() == [0, 11]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: pool_sequence(torch.zeros(3, 1), 4), id="stride"),
        pytest.param(lambda: pool_grid(torch.zeros(1, 15, 1), (4, 4), (2, 2)), id="class-token-left-in"),
        pytest.param(lambda: pool_grid(torch.zeros(1, 16, 1), (4, 4), (5, 1)), id="larger-than-there-is"),
        pytest.param(lambda: drop_frames(torch.zeros(3, 1), 4), id="more-frames"),
        pytest.param(lambda: image_grid(torch.zeros(1, 3, 8, 8), 0, 2), id="no-places"),
        pytest.param(lambda: sample_tokens(torch.zeros(1, 2, 1), 0), id="no-tokens"),
    ],
)
def test_impossible_reductions_are_refused(call: Any) -> None:
    with pytest.raises(InputError, match="expected"):
        call()
