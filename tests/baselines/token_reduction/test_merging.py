"""Bipartite soft matching against a version written with loops."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")

import torch

from baselines.token_reduction import (
    match_tokens,
    merge_sum,
    merge_weighted,
    mergeable,
    merges_per_layer,
    tokens_per_layer,
    trace_sources,
    unmerge,
)
from baselines.token_reduction.schedule import check_ratio
from vdc.errors import InputError


def naive(x: torch.Tensor, sizes: torch.Tensor, metric: torch.Tensor, count: int, protected: bool) -> list[tuple]:
    """One row, with lists: (mean, size) of every token after the merge, in order."""
    tokens = list(range(len(x)))
    if min(count, (len(x) - protected) // 2) <= 0:
        return [(x[i], float(sizes[i])) for i in tokens]
    sources, destinations = tokens[::2], tokens[1::2]
    unit = [vector / vector.norm() for vector in metric]
    best = {}
    for i in sources:
        if protected and i == 0:
            continue
        scores = [float(unit[i] @ unit[j]) for j in destinations]
        best[i] = (max(scores), destinations[scores.index(max(scores))])
    count = max(0, min(count, (len(x) - protected) // 2))
    merged = sorted(best, key=lambda i: -best[i][0])[:count]
    kept = [i for i in sources if i not in merged]
    if not protected:
        kept = sorted(kept, key=lambda i: -best[i][0])
    groups = [[i] for i in kept] + [[j, *(i for i in merged if best[i][1] == j)] for j in destinations]
    out = []
    for group in groups:
        size = sum(float(sizes[i]) for i in group)
        out.append((sum(x[i] * float(sizes[i]) for i in group) / size, size))
    return out


@pytest.mark.parametrize(
    ("tokens", "count", "protected"),
    [(17, 4, True), (17, 4, False), (16, 100, True), (16, 100, False), (5, 1, True), (2, 1, True), (9, 0, True)],
)
def test_merging_equals_the_version_with_loops(tokens: int, count: int, protected: bool) -> None:
    generator = torch.Generator().manual_seed(tokens + count)
    x = torch.randn(2, tokens, 6, generator=generator)
    metric = torch.randn(2, tokens, 4, generator=generator)
    sizes = torch.randint(1, 5, (2, tokens, 1), generator=generator).float()
    merged, merged_sizes = merge_weighted(x, sizes, match_tokens(metric, count, class_token=protected))
    for row in range(2):
        expected = naive(x[row], sizes[row], metric[row], count, protected)
        assert torch.allclose(merged[row], torch.stack([mean for mean, _ in expected]), atol=1e-5)
        assert merged_sizes[row, :, 0].tolist() == [size for _, size in expected]


def test_class_token_stays_first_and_untouched_and_order_is_even_then_odd() -> None:
    metric = torch.tensor([[[1.0, 0], [0, 1.0], [0.9, 0.1], [1.0, 0.01], [0.2, 1.0], [1.0, 1.0], [0.5, 0.5]]])
    x = torch.arange(7.0).reshape(1, 7, 1)
    matching = match_tokens(metric, 1)
    # 6 = (.5, .5) and 5 = (1, 1) point the same way: the best pair; the class token's own best pair is not allowed.
    assert matching is not None
    merged, sizes = merge_weighted(x, None, matching)
    assert merged[0, :, 0].tolist() == [0, 2, 4, 1, 3, 5.5]
    assert sizes[0, :, 0].tolist() == [1, 1, 1, 1, 1, 2]


def test_sizes_add_up_and_sources_say_where_everything_went() -> None:
    torch.manual_seed(0)
    x, sizes, sources = torch.randn(2, 33, 5), None, None
    start = x.clone()
    for _ in range(3):
        matching = match_tokens(torch.randn(2, x.shape[1], 4), 6)
        sources = trace_sources(matching, x.shape[1], 2, sources)
        x, sizes = merge_weighted(x, sizes, matching)
    assert x.shape[1] == 33 - 18
    assert sizes.sum(dim=1).flatten().tolist() == [33, 33]
    assert torch.equal(sources.sum(dim=2), sizes[..., 0])
    assert torch.allclose(sources @ start / sizes, x, atol=1e-5)


@pytest.mark.parametrize("distill", [False, True])
def test_unmerge_gives_every_token_its_group(distill: bool) -> None:
    torch.manual_seed(1)
    matching = match_tokens(torch.randn(2, 14, 4), 3, distill_token=distill)
    sources = trace_sources(matching, 14, 2)
    label = torch.arange(11.0).expand(2, 11)[..., None]
    assert torch.equal(unmerge(label, matching), sources.transpose(1, 2) @ label)


def test_distillation_token_stays_second_and_alone() -> None:
    torch.manual_seed(2)
    matching = match_tokens(torch.randn(1, 14, 4), 6, distill_token=True)
    sources = trace_sources(matching, 14, 1)[0]
    assert sources[0].nonzero().tolist() == [[0]]
    assert sources[1].nonzero().tolist() == [[1]]


def test_gradients_flow_to_the_tokens_and_not_through_the_choice() -> None:
    torch.manual_seed(3)
    x = torch.randn(1, 9, 3, dtype=torch.double, requires_grad=True)
    metric = torch.randn(1, 9, 3, dtype=torch.double, requires_grad=True)
    sizes = torch.rand(1, 9, 1, dtype=torch.double) + 1
    matching = match_tokens(metric, 3)
    assert torch.autograd.gradcheck(lambda value: merge_weighted(value, sizes, matching)[0], x)
    assert torch.autograd.gradcheck(lambda value: merge_sum(value, matching), x)
    merge_weighted(x, sizes, matching)[0].sum().backward()
    assert metric.grad is None


def test_half_precision_tokens_keep_exact_sizes() -> None:
    x = torch.randn(1, 9, 3, dtype=torch.bfloat16)
    sizes = torch.full((1, 9, 1), 300.0)
    merged, total = merge_weighted(x, sizes, match_tokens(torch.randn(1, 9, 3), 3))
    assert merged.dtype == torch.bfloat16
    assert total.sum().item() == 2700.0


@pytest.mark.parametrize(
    ("ratio", "merges", "tokens"),
    [
        (0.0, 22, 47),
        (0.01, 22, 47),
        (0.05, 21, 78),
        (0.1, 20, 109),
        (0.2, 18, 171),
        (0.4, 13, 326),
        (0.8, 4, 605),
        (1.0, 0, 729),
    ],
)
def test_the_real_token_budget_at_378_pixels(ratio: float, merges: int, tokens: int) -> None:
    assert merges_per_layer(378, 378, 14, 32, ratio) == merges
    assert tokens_per_layer(730, merges, 31)[-1] - 1 == tokens


def test_merges_stop_at_what_is_possible() -> None:
    assert mergeable(9, 100) == 4
    assert mergeable(9, 100, class_token=False) == 4
    assert mergeable(8, 100, class_token=False) == 4
    assert mergeable(2, 1) == 0
    assert match_tokens(torch.randn(1, 2, 3), 1) is None
    assert tokens_per_layer(5, 10, 3) == (5, 3, 2, 2)


@pytest.mark.parametrize("ratio", [-0.1, 1.5, float("nan")])
def test_ratios_outside_zero_and_one_are_refused(ratio: float) -> None:
    with pytest.raises(InputError, match="0 to 1"):
        check_ratio(ratio)


def test_a_matching_of_other_tokens_is_refused() -> None:
    matching = match_tokens(torch.randn(1, 9, 3), 2)
    for merge in (lambda x: merge_sum(x, matching), lambda x: merge_weighted(x, None, matching)):
        with pytest.raises(InputError, match="9 that were matched"):
            merge(torch.randn(1, 8, 3))
