"""The check of published judge sums finds what is right, and what is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.parity.checker import Checker
from baselines.parity.llama_vid.judging import check_judge_sums

ROWS = [{"id": name, "question": "q", "answer": "a", "pred": "p"} for name in ("x", "y", "x")]
REPLIES = {
    "x_0": {"pred": "Yes", "score": 4.8},
    "y_0": {"pred": "no", "score": 1},
    "x_1": {"pred": "yes", "score": 3},
}
PRINTED = (
    "All evaluation completed!\nYes count: 2\nNo count: 1\n"
    "Accuracy: 0.6666666666666666\nAverage score: 2.6666666666666665"
)


def statuses(part: str = "judge_msvd", **changes: Any) -> set[str]:
    golden = {"predictions": ROWS, "judge_replies": REPLIES, "stdout": PRINTED, **changes}
    context: Any = SimpleNamespace(golden=SimpleNamespace(json=lambda _: {part: golden}))
    context.checker = Checker(context.golden)
    check_judge_sums(context, "eval_scoring.json", part)
    return {item.status for item in context.checker.items}


def test_the_published_sums_are_met() -> None:
    assert statuses() == {"pass"}


def test_the_sum_of_a_dimension_is_met() -> None:
    rows = [{"video_name": "v", "Q": "q", "A": "a", "pred": "p"}] * 2
    replies = {"v_0": {"score": 3.9}, "v_1": {"score": 2}}
    printed = "All evaluation completed!\nAverage score for detail: 2.5"
    assert statuses("judge_detail", predictions=rows, judge_replies=replies, stdout=printed) == {"pass"}


@pytest.mark.parametrize(
    "printed", [PRINTED.replace("Yes count: 2", "Yes count: 3"), PRINTED.replace("2.666", "2.667"), ""]
)
def test_another_printed_number_fails(printed: str) -> None:
    assert "fail" in statuses(stdout=printed)


def test_another_name_of_a_reply_fails() -> None:
    assert "fail" in statuses(judge_replies={**REPLIES, "z_0": REPLIES["x_0"]})


def test_a_field_that_no_check_knows_is_said_to_be_unchecked() -> None:
    assert "unchecked" in statuses(more=1)
