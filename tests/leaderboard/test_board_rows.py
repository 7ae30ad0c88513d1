from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from leaderboard.board_rows import BoardRow, Cell, rank_rows


def row(name: str, accuracy: float | None, half: float | None = None, group: str = "g") -> BoardRow:
    ends = None if half is None or accuracy is None else (accuracy - half, accuracy + half)
    return BoardRow(
        id=name, model=name, model_slug=name, kind="verified", group=group, group_name=group, judge="j", prompts="p",
        benchmark="b", protocol="strict", cells={"average": Cell(accuracy, None, ends)},
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def test_ranks_and_their_intervals_by_hand() -> None:
    rows = rank_rows([row("a", 0.50, 0.02), row("b", 0.47, 0.02), row("c", 0.40, 0.02), row("d", None)])
    assert [(one.model, one.rank, one.rank_low, one.rank_high) for one in rows] == [
        ("a", 1, 1, 2),
        ("b", 2, 1, 2),
        ("c", 3, 3, 3),
        ("d", None, None, None),
    ]


def test_equal_values_share_the_smaller_rank_and_say_so() -> None:
    rows = rank_rows([row("a", 0.5), row("b", 0.4), row("c", 0.4), row("d", 0.3)])
    assert [(one.model, one.rank, one.tied) for one in rows] == [
        ("a", 1, False),
        ("b", 2, True),
        ("c", 2, True),
        ("d", 4, False),
    ]


def test_other_judges_do_not_share_a_rank_unless_asked() -> None:
    rows = [row("a", 0.5, group="one"), row("b", 0.4, group="two")]
    assert [one.rank for one in rank_rows(rows)] == [1, 1]
    assert [one.rank for one in rank_rows(rows, mixed=True)] == [1, 2]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.3)), min_size=1, max_size=30))
def test_a_rank_lies_in_its_interval(values: list[tuple[float, float]]) -> None:
    rows = rank_rows([row(f"m{number}", value, half) for number, (value, half) in enumerate(values)])
    for one in rows:
        assert one.rank is not None and one.rank_low is not None and one.rank_high is not None
        assert 1 <= one.rank_low <= one.rank <= one.rank_high <= len(rows)


@given(st.permutations(range(6)))
def test_the_order_of_the_input_does_not_matter(order: list[int]) -> None:
    rows = [row(f"m{number}", number // 2 / 10, 0.05) for number in order]
    assert rank_rows(rows) == rank_rows(sorted(rows, key=lambda one: one.id))
