"""Two runs in words."""

from __future__ import annotations

import pandas as pd
import pytest

from leaderboard.comparison import comparison_table, disagreements, p_text, verdict_sentence, why_not_comparable
from leaderboard.db.queries import RunInfo
from leaderboard.question_table import question_table, verdict_words, verdicts_csv
from scoring.compare import Comparison, RunComparison
from scoring.statistics.bootstrap import Interval


def compared(difference: float | None, p_holm: float | None) -> RunComparison:
    interval = None if difference is None else Interval(difference - 0.01, difference + 0.01)
    row = Comparison("average", "accuracy", 0.4, 0.5, difference, interval, p_holm, p_holm, 30)
    return RunComparison({}, {}, "strict", (row,), (), 0, 2000, 10000)


def run(**parts: dict) -> RunInfo:
    report = {"judge": {"model": "m"}, "prompts": {"sha256": "1"}, "benchmark": {"name": "b"}, **parts}
    return RunInfo("r", "s", "Model", "model", "verified", "", False, "t", "m", "p", "b", report, {}, {})


@pytest.mark.parametrize(
    ("difference", "p_holm", "start"),
    [
        (0.1, 0.01, "Second is better than First by 10.00 points of average accuracy on 30 videos (p = 0.010"),
        (-0.1, 0.0001, "First is better than Second by 10.00 points of average accuracy on 30 videos (p < 0.001"),
        (0.1, 0.05, "First (A) and Second (B) cannot be told apart on these 30 videos: they differ by 10.00"),
        (None, None, "There is no average to compare"),
    ],
    ids=["second", "first", "neither", "no average"],
)
def test_the_sentence(difference: float | None, p_holm: float | None, start: str) -> None:
    assert verdict_sentence(compared(difference, p_holm), ("First", "Second"), "accuracy").startswith(start)


def test_the_table_has_points_with_signs() -> None:
    line = comparison_table(compared(-0.1, 0.5), "accuracy").iloc[0]
    assert (line["difference"], line["interval"], line["verdict"]) == ("−10.00", "−11.00 to −9.00", "= no")


def test_what_was_judged_otherwise_is_named() -> None:
    assert why_not_comparable(run(), run()) == []
    (judge,) = why_not_comparable(run(), run(judge={"model": "m", "revision": "2"}))
    assert judge == "They have different judges (m and m): revision."
    assert len(why_not_comparable(run(), run(prompts={"sha256": "2"}, benchmark={"name": "c"}))) == 2


def test_p_values_are_never_zero() -> None:
    values = (None, 0.0, 0.0004, 0.0321, 1.0)
    assert [p_text(value) for value in values] == ["–", "< 0.001", "< 0.001", "0.032", "1.000"]


def verdicts(*rows: tuple[str, object, float | None]) -> pd.DataFrame:
    lines = [
        {"video_id": "v", "section": "short", "question_index": place, "question": "q", "gold": "g",
         "answer": None if status == "missing" else "a", "status": status, "match": match, "score": score}
        for place, (status, match, score) in enumerate(rows)
    ]  # fmt: skip
    return pd.DataFrame(lines)


def test_disagreements_are_questions_with_one_match() -> None:
    first = verdicts(("judged", True, 5.0), ("judged", False, 0.0), ("missing", None, None), ("unparsed", None, None))
    second = verdicts(("judged", True, 5.0), ("judged", True, 4.0), ("judged", True, 4.0), ("judged", False, 0.0))
    found = disagreements(first, second)
    assert found["question_index"].tolist() == [1, 2] and found["answer_a"].tolist() == ["a", ""]


def test_wrong_unparsed_failed_missing_and_empty_never_look_alike() -> None:
    words = [verdict_words("judged", True), verdict_words("judged", False)]
    words += [verdict_words(status, None) for status in ("unparsed", "failed", "missing", "empty")]
    assert len(set(words)) == len({word[0] for word in words}) == 6
    rows = verdicts(("judged", False, 0.0), ("missing", None, None)).astype(object).replace({float("nan"): None})
    table = question_table(rows.to_dict("records"))
    assert table["verdict"].tolist() == ["✗ no match", "○ no caption"] and table["answer"].tolist() == ["a", "–"]


def test_a_spreadsheet_runs_nothing_of_the_verdicts() -> None:
    table = verdicts(("judged", True, 5.0)).assign(answer="=HYPERLINK(1)")
    assert b",'=HYPERLINK(1)," in verdicts_csv(table)
