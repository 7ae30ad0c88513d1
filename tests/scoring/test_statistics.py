"""Intervals and tests: known answers, coverage and false-alarm rates on simulated data, and the edges."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from scoring.statistics.bootstrap import (
    Interval,
    mean_interval,
    percentile_interval,
    resample_weights,
    weighted_means,
)
from scoring.statistics.paired import holm, paired_test
from scoring.statistics.ranks import rank_runs, separability

NAN = math.nan


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_every_draw_has_as_many_videos_as_the_benchmark() -> None:
    weights = resample_weights(7, 50, generator())
    assert weights.shape == (50, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(7), abs=0.5)


def test_the_same_seed_gives_the_same_draws() -> None:
    assert (resample_weights(9, 20, generator(3)) == resample_weights(9, 20, generator(3))).all()
    assert not (resample_weights(9, 20, generator(3)) == resample_weights(9, 20, generator(4))).all()


def test_weighted_means_leave_out_what_is_not_counted() -> None:
    values = np.array([[1.0, NAN], [3.0, 2.0], [NAN, 8.0]])
    weights = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 1.0], [0.0, 0.0, 3.0]])
    expected = np.array([[2.0, 5.0], [1.0, 8.0], [NAN, 8.0]])
    np.testing.assert_array_equal(weighted_means(values, weights), expected)


def test_percentile_interval_by_hand() -> None:
    found = percentile_interval(np.arange(101.0), level=0.9)
    assert found == Interval(pytest.approx(5.0), pytest.approx(95.0))
    assert percentile_interval(np.array([NAN, NAN])) is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([0.4], None, id="one video"),
        pytest.param([NAN, NAN], None, id="no counted video"),
        pytest.param([0.4, NAN], None, id="one counted video"),
        pytest.param([0.25, 0.25, 0.25], Interval(0.25, 0.25), id="all equal"),
    ],
)
def test_interval_at_the_edges(values: list[float], expected: Interval | None) -> None:
    assert mean_interval(np.array(values), generator(), resamples=50) == expected


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """200 benchmarks of 60 videos with 10 questions each; the truth is the mean of the videos' distribution."""
    rng = generator(1)
    covered = 0
    for _ in range(200):
        difficulty = rng.beta(2, 3, size=60)
        values = rng.binomial(10, difficulty) / 10
        found = mean_interval(values, rng, resamples=400)
        covered += found is not None and found.low <= 0.4 <= found.high
    assert 0.90 <= covered / 200 <= 0.985


def test_drawing_videos_gives_a_wider_interval_than_drawing_questions() -> None:
    """Ten questions of a video that always agree are one observation, not ten."""
    per_video = generator(2).integers(0, 2, size=50).astype(float)
    by_video = mean_interval(per_video, generator(), resamples=1_000)
    by_question = mean_interval(np.repeat(per_video, 10), generator(), resamples=1_000)
    assert by_video is not None
    assert by_question is not None
    assert by_video.high - by_video.low > 2.5 * (by_question.high - by_question.low)


def test_paired_difference_and_its_mean_over_sections() -> None:
    first = np.array([[0.0, 1.0], [0.5, 0.0], [1.0, NAN]])
    second = np.array([[1.0, 1.0], [0.5, 1.0], [1.0, 1.0]])
    found = paired_test(first, second, generator(), resamples=100, permutations=100)
    assert [row.difference for row in found] == pytest.approx([1 / 3, 1 / 2, 5 / 12])
    assert [row.videos for row in found] == [3, 2, 3]


def test_a_run_against_itself_has_no_difference_and_p_of_one() -> None:
    values = generator().random((30, 2))
    for row in paired_test(values, values, generator(), resamples=50, permutations=50):
        assert (row.difference, row.interval, row.p_value) == (0.0, Interval(0.0, 0.0), 1.0)


def test_the_sampled_p_value_agrees_with_all_sign_flips() -> None:
    differences = np.array([0.3, 0.1, -0.2, 0.4, 0.25, -0.05, 0.15, 0.2])
    observed = abs(differences.mean())
    flips = [abs((np.array(signs) * differences).mean()) >= observed - 1e-12 for signs in product((-1, 1), repeat=8)]
    found = paired_test(np.zeros((8, 1)), differences[:, None], generator(), resamples=10, permutations=20_000)
    assert found[0].p_value == pytest.approx(sum(flips) / len(flips), abs=0.01)


def test_p_values_are_uniform_when_there_is_no_difference() -> None:
    rng = generator(5)
    found = []
    for _ in range(200):
        video = rng.normal(size=(40, 1))
        first, second = (video + rng.normal(size=(40, 1)) for _ in range(2))
        found.append(paired_test(first, second, rng, resamples=2, permutations=300)[0].p_value)
    assert 0.02 <= np.mean([p is not None and p <= 0.05 for p in found]) <= 0.095
    assert 0.42 <= np.mean([p for p in found if p is not None]) <= 0.58


def test_a_real_difference_is_found_with_the_smallest_p_value_the_draws_allow() -> None:
    rng = generator(6)
    first = rng.random((100, 1))
    found = paired_test(first, first + 0.1 + 0.02 * rng.random((100, 1)), rng, resamples=100, permutations=999)[0]
    assert found.p_value == pytest.approx(1 / 1_000)
    assert found.interval is not None
    assert 0.1 < found.interval.low < 0.11 < found.interval.high < 0.12


@pytest.mark.parametrize(
    ("first", "second", "videos"),
    [
        pytest.param([[0.5]], [[0.7]], 1, id="one video"),
        pytest.param([[NAN], [0.1]], [[0.5], [NAN]], 0, id="no shared video"),
    ],
)
def test_too_few_videos_give_no_interval_and_no_p_value(
    first: list[list[float]], second: list[list[float]], videos: int
) -> None:
    for row in paired_test(np.array(first), np.array(second), generator(), resamples=20, permutations=20):
        assert (row.interval, row.p_value, row.videos) == (None, None, videos)


def test_runs_over_different_videos_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="same videos"):
        paired_test(np.zeros((3, 1)), np.zeros((4, 1)), generator())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([0.01, 0.04, 0.03], [0.03, 0.06, 0.06], id="by hand"),
        pytest.param([0.5, 0.9], [1.0, 1.0], id="never above one"),
        pytest.param([0.02, None, 0.01], [0.02, None, 0.02], id="a missing test is no part of the family"),
        pytest.param([0.2], [0.2], id="one test needs no correction"),
        pytest.param([], [], id="no test"),
    ],
)
def test_holm(given: list[float | None], expected: list[float | None]) -> None:
    assert holm(given) == [None if p is None else pytest.approx(p) for p in expected]


def test_a_board_with_two_equal_runs_and_a_better_one() -> None:
    rng = generator(8)
    base = rng.random((200, 5)) * 0.5
    runs = {"low": base, "also low": base + rng.normal(0, 0.05, (200, 5)), "high": base + 0.2, "unscored": base * NAN}
    found = rank_runs(runs, rng, resamples=300)
    rows = {row.name: row for row in found.runs}
    assert (rows["high"].rank, rows["high"].low, rows["high"].high) == (1, 1, 1)
    assert {rows["low"].low, rows["also low"].low} == {2}
    assert {rows["low"].high, rows["also low"].high} == {3}
    assert found.runs[-1].name == "unscored"
    assert found.runs[-1].rank is None
    assert found.separability == pytest.approx(2 / 3)


def test_equal_runs_share_the_better_rank() -> None:
    values = generator().random((20, 1))
    found = rank_runs({"a": values, "b": values, "c": values - 1}, generator(), resamples=50)
    assert [(row.name, row.rank) for row in found.runs] == [("a", 1), ("b", 1), ("c", 3)]


def test_boards_of_one_or_no_run_have_no_separability() -> None:
    assert rank_runs({}, generator()).separability is None
    assert rank_runs({"a": np.ones((3, 1))}, generator(), resamples=5).separability is None
    assert separability(np.ones((5, 1))) is None
