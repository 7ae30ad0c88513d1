"""Which frames are taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.common.frame_sampling import at_times, by_rate, sample_indices, strided, uniform, uniform_with_last
from vdc.errors import InputError


@pytest.mark.parametrize(
    ("total", "wanted", "expected"),
    [
        pytest.param(10, 4, [0, 3, 6, 9], id="even"),
        pytest.param(10, 1, [0, 9], id="one-asked-gives-first-and-last"),
        pytest.param(3, 8, [0, 1, 2], id="shorter-than-asked"),
        pytest.param(1, 8, [0], id="single-frame"),
        pytest.param(30, 8, [0, 4, 8, 12, 16, 20, 24, 29], id="truncated-not-rounded"),
    ],
)
def test_uniform_with_last_by_hand(total: int, wanted: int, expected: list[int]) -> None:
    assert uniform_with_last(total, wanted) == expected


def test_the_other_rules_by_hand() -> None:
    assert uniform(5, 2) == [0, 4]
    assert uniform(2, 4) == [0, 0, 0, 1]
    assert strided(8, 4) == [0, 2, 4, 6]
    assert by_rate(10, 30.0, 10.0) == [0, 3, 6, 9]
    assert by_rate(10, 25.0, 10.0) == [0, 2, 4, 6, 8]  # 2.5 rounds to the even 2
    assert by_rate(3, 1.0, 10.0) == [0, 1, 2]
    assert at_times([0.0, 0.55, 99.0], 10.0, 20) == [0, 5, 19]


@given(st.integers(1, 5000), st.integers(1, 64))
def test_uniform_with_last_rises_and_ends_at_the_last_frame(total: int, wanted: int) -> None:
    indices = uniform_with_last(total, wanted)
    assert indices == sorted(set(indices))
    assert indices[0] == 0
    assert indices[-1] == total - 1
    assert len(indices) <= wanted + 1


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: uniform_with_last(0, 8), id="no-frames"),
        pytest.param(lambda: uniform(5, 0), id="none-wanted"),
        pytest.param(lambda: by_rate(5, 0.0, 1.0), id="no-rate"),
        pytest.param(lambda: at_times([], 10.0, 5), id="no-moment"),
        pytest.param(lambda: at_times([-1.0], 10.0, 5), id="before-the-start"),
        pytest.param(lambda: sample_indices(5, 2, "random"), id="unknown-rule"),  # type: ignore[arg-type]
    ],
)
def test_impossible_requests_are_refused(call: object) -> None:
    with pytest.raises(InputError, match="expected"):
        call()  # type: ignore[operator]


def test_indices_equal_the_published_readers(auroracap_golden: Path) -> None:
    cases = json.loads((auroracap_golden / "frames.json").read_text())
    assert cases
    for case in cases:
        total, wanted = case["total_frames"], case["num_frames"]
        assert uniform_with_last(total, wanted) == case["indices"]
        assert strided(total, wanted) == case["hf_doc_variant"]
        assert uniform(total, wanted) == case["decord_variant"]
