"""Rows as tables for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from leaderboard.board_rows import BoardRow, Cell, rank_rows
from leaderboard.board_table import group_tables, interval_text, model_table, rank_range, shown
from leaderboard.results import AS_PUBLISHED


def row(name: str, accuracy: float | None, group: str = "g", **more: object) -> BoardRow:
    ends = None if accuracy is None else (accuracy - 0.02, accuracy + 0.02)
    return BoardRow(
        id=name, model=name, model_slug=name, kind="verified", group=group, group_name=group, judge="j", prompts="p",
        benchmark="b", protocol="strict", cells={"average": Cell(accuracy, 2.5, ends), "camera": Cell(0.25)},
        created_at=datetime(2026, 1, 1, tzinfo=UTC), comparable=True, **more,
    )  # fmt: skip


def test_groups_are_tables_of_their_own_with_percent_and_intervals() -> None:
    rows = rank_rows([row("a", 0.5), row("b", 0.41), row("c", 0.3, group="other")])
    first, second = group_tables(rows)
    assert [len(table.rows) for table in (first, second)] == [2, 1]
    assert first.frame["value"].tolist() == [50.0, 41.0] and first.frame["interval"][1] == "39.00 – 43.00"
    assert first.headers["value"] == "Average (%)" and first.name == "Verified: judge j, prompts p, b, strict"


def test_mixed_rows_are_one_table_that_says_how_each_was_judged() -> None:
    rows = rank_rows([row("a", 0.5), replace(row("c", 0.3, group="other"), comparable=False)], mixed=True)
    (table,) = group_tables(rows, mixed=True)
    assert table.remark.startswith("These rows were judged differently")
    assert table.frame["judged"].tolist() == ["j, p, b, strict", "j, p, b, strict (not comparable with LLM judges)"]


def test_columns_without_anything_are_left_out_and_missing_numbers_are_none() -> None:
    (table,) = group_tables(rank_rows([row("a", None)]), section="camera")
    assert not {"frames", "tokens", "found", "findings", "interval"} & set(table.frame)
    assert table.frame["average"].isna().all() and table.frame["value"][0] == 25.0
    flagged = row("a", 0.5, frames=8, flags=({"rule": "alias", "text": "one"}, {"rule": "alias", "text": "two"}))
    (table,) = group_tables(rank_rows([flagged]))
    assert (
        table.frame["found"][0] == "⚠ 2" and table.frame["findings"][0] == "one; two" and table.frame["frames"][0] == 8
    )


def test_a_run_that_is_only_reported_says_why() -> None:
    rows = [row("a", 0.5), replace(row("b", 0.4, reason="the captions were not handed in"), kind="reported")]
    (table,) = group_tables(rank_rows(rows))
    assert table.headers["reason"] == "Why not verified"
    assert table.frame["reason"].tolist() == ["–", "the captions were not handed in"]
    (verified,) = group_tables(rank_rows(rows[:1]))
    assert "reason" not in verified.frame


@pytest.mark.parametrize(
    ("low", "high", "tied", "words"),
    [(1, 1, False, "1"), (1, 3, True, "1–3, tied"), (None, None, True, "tied"), (None, None, False, "–")],
)
def test_rank_ranges_in_words(low: int | None, high: int | None, tied: bool, words: str) -> None:
    assert rank_range(replace(row("a", 0.5), rank_low=low, rank_high=high, tied=tied)) == words


def test_published_rows_are_named_by_their_source_and_not_as_measured_here() -> None:
    published = row("a", 0.5, source_name="Some <b>site</b>", setting="64 tokens")
    (table,) = group_tables([replace(published, protocol=AS_PUBLISHED, kind="reported")])
    assert table.name == "Reported: Some <b>site</b>" and "nobody here has measured them" in table.remark
    assert table.frame["model"][0] == "a [64 tokens]"


def test_a_model_keeps_the_ranks_of_its_groups() -> None:
    ranked = rank_rows([row("a", 0.5), row("b", 0.4), row("b2", 0.3, group="other")])
    table = model_table([one for one in ranked if one.model.startswith("b")])
    assert table.frame["rank"].tolist() == [2, 1]


def test_units() -> None:
    assert shown(0.12346, "accuracy") == 12.35 and shown(2.3461, "score") == 2.35
    assert shown(None, "score") is None and interval_text(None, "score") == "–"
