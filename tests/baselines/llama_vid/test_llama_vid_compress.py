"""Context and content tokens against naive versions, and grids that do not fit."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

import torch

from baselines.llama_vid.compress import attend_context, check_grid, parse_compression, pool_patches
from baselines.llama_vid.toy import toy_config
from vdc.errors import InputError


def test_context_is_the_mean_of_what_each_query_attends_to() -> None:
    generator = torch.Generator().manual_seed(1)
    queries, keys, patches = (torch.randn(2, n, 6, generator=generator) for n in (3, 5, 5))
    seen = attend_context(queries, keys, patches)
    for row in range(2):
        answers = []
        for query in queries[row]:
            scores = torch.tensor([float(query @ key) / 6**0.5 for key in keys[row]])
            weights = scores.exp() / scores.exp().sum()
            answers.append(sum(float(w) * patch for w, patch in zip(weights, patches[row], strict=True)))
        torch.testing.assert_close(seen[row], sum(answers) / 3)


def test_grid_pools_squares_in_reading_order() -> None:
    patches = torch.arange(16.0).view(1, 16, 1)
    pooled = pool_patches(patches, parse_compression("grid:2"))
    # squares of rows 0-1 and columns 0-1: 0 1 4 5, and so on
    assert pooled.flatten().tolist() == [2.5, 4.5, 10.5, 12.5]


@pytest.mark.parametrize(
    ("name", "side", "tokens"),
    [
        ("mean", 16, 2),
        ("mean_concat", 16, 2),
        ("grid:2", 16, 5),
        ("grid:4", 16, 17),
        ("grid:4", 24, 17),
        (None, 16, 257),
        ("none", 24, 577),
    ],
)
def test_tokens_per_frame_are_the_published_ones(name: str | None, side: int, tokens: int) -> None:
    compression = parse_compression(name)
    assert compression.tokens_per_frame(side) == tokens
    assert pool_patches(torch.zeros(1, side * side, 2), compression).shape[1] == tokens - 1


@pytest.mark.parametrize(("side", "grid", "tokens"), [(6, 4, 36), (5, 2, 4), (7, 3, 9)])
def test_a_grid_that_does_not_divide_is_refused_with_the_ones_that_do(side: int, grid: int, tokens: int) -> None:
    compression = parse_compression(f"grid:{grid}")
    with pytest.raises(InputError, match="a grid that divides them"):
        check_grid(compression, side)
    # what the published code makes of it, for those who ask for that
    assert pool_patches(torch.zeros(1, side * side, 2), compression).shape[1] == tokens


def test_a_model_with_such_a_grid_is_refused_when_it_is_configured() -> None:
    with pytest.raises(InputError, match="grid:3 on 4 x 4 patches; expected a grid that divides them: 2, 4"):
        toy_config(compress_type="grid:3")
    assert toy_config(compress_type="grid:3", uneven_grid="published").compress_type == "grid:3"


@pytest.mark.parametrize("name", ["grid:1", "grid:", "grid:x", "max"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="compress_type"):
        parse_compression(name)


def test_more_cells_than_patches_are_refused() -> None:
    with pytest.raises(InputError):
        pool_patches(torch.zeros(1, 4, 2), parse_compression("grid:3"))
