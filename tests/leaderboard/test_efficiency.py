"""Cost against number."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.board_rows import BoardRow, Cell
from leaderboard.efficiency import efficiency_csv, efficiency_json, efficiency_of, efficiency_table


def row(name: str, tokens: int | None, accuracy: float | None, group: str = "g") -> BoardRow:
    return BoardRow(
        id=name, model=name, model_slug=name, kind="verified", group=group, group_name=group, judge="j", prompts="p",
        benchmark="b", protocol="strict", cells={"average": Cell(accuracy)}, visual_tokens=tokens,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def test_the_front_by_hand() -> None:
    rows = [row("dear", 400, 0.4), row("best", 200, 0.5), row("cheap", 100, 0.3), row("bad", 150, 0.2)]
    rows.append(row("twin", 200, 0.5))
    (front,) = efficiency_of(rows).fronts
    assert [(point.row.model, point.on_front) for point in front.points] == [
        ("cheap", True),
        ("bad", False),
        ("best", True),
        ("twin", True),
        ("dear", False),
    ]


def test_each_group_has_its_own_front_unless_asked() -> None:
    rows = [row("a", 100, 0.5), row("b", 200, 0.4, group="other")]
    assert [len(front.points) for front in efficiency_of(rows).fronts] == [1, 1]
    (front,) = efficiency_of(rows, mixed=True).fronts
    assert [point.on_front for point in front.points] == [True, False]


def test_rows_that_cannot_be_placed_are_counted_by_reason() -> None:
    found = efficiency_of([row("no tokens", None, 0.5), row("no number", 100, None), row("neither", None, None)])
    assert [one.model for one in found.without_tokens] == ["no tokens"]
    assert [one.model for one in found.without_value] == ["no number", "neither"] and not found.fronts


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), min_size=1, max_size=30))
def test_nothing_beats_the_front_and_the_front_beats_the_rest(points: list[tuple[int, float]]) -> None:
    (front,) = efficiency_of([row(f"m{place}", *one) for place, one in enumerate(points)]).fronts
    for point in front.points:
        beaten = any(
            (other.tokens <= point.tokens and other.value >= point.value)
            and (other.tokens < point.tokens or other.value > point.value)
            for other in front.points
        )
        assert point.on_front is not beaten


def test_files_hold_what_is_shown() -> None:
    found = efficiency_of([row("=1+1", 100, 0.5), row("b", None, 0.5)])
    document = json.loads(efficiency_json(found, "accuracy", "average"))
    assert document["points"][0]["visual_tokens"] == 100 and document["without_tokens"] == ["b"]
    lines = efficiency_csv(found, "accuracy", "average").decode().splitlines()
    assert lines[0].endswith("average_accuracy,on_front") and lines[1].startswith("'=1+1,'=1+1,")
    table = efficiency_table(found, "accuracy", "average")
    assert table["front"].tolist() == ["★ on the front"] and table["value"][0] == pytest.approx(50.0)
