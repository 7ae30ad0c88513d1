"""Charts: what is named, and where the axes end."""

from __future__ import annotations

import itertools
from typing import Any

from leaderboard.site.charts import cost_chart


def point(name: str, tokens: int, value: float, front: bool) -> dict[str, Any]:
    word = "on the front" if front else "beaten at both"
    return {"model": name, "name": name, "tokens": tokens, "value": value, "front": word, "frames": "8 × 4"}


POINTS = [
    point("A", 32, 30.0, True),
    point("B", 56, 33.0, True),
    point("B", 560, 36.0, True),
    point("C", 700, 20.0, False),
    point("D", 2240, 38.0, True),
]


def layers(points: list[dict[str, Any]], mark: str) -> list[dict[str, Any]]:
    return [layer for layer in cost_chart(points, unit="Accuracy (%)")["layer"] if layer["mark"]["type"] == mark]


def test_neighbours_on_the_front_share_one_name_and_no_other_point_has_one() -> None:
    named = [[value["tokens"] for value in layer["data"]["values"]] for layer in layers(POINTS, "text")]
    assert named == [[32], [56, 2240]]


def test_only_the_first_name_stands_right_of_its_point_so_that_none_is_cut_off() -> None:
    assert [layer["mark"]["align"] for layer in layers(POINTS, "text")] == ["left", "right"]


def test_the_axis_of_tokens_holds_all_points_and_little_more() -> None:
    (dots,) = layers(POINTS, "point")
    low, high = dots["encoding"]["x"]["scale"]["domain"]
    assert low < 32 and high > 2240 and high / low < 1.6 * 2240 / 32


def test_one_point_alone_has_an_axis_and_a_name() -> None:
    one = [point("A", 100, 30.0, True)]
    (dots,) = layers(one, "point")
    low, high = dots["encoding"]["x"]["scale"]["domain"]
    assert low < 100 < high and len(layers(one, "text")) == 1


def test_the_line_follows_the_front_in_the_order_of_its_cost() -> None:
    (line,) = layers(POINTS, "line")
    tokens = [value["tokens"] for value in line["data"]["values"]]
    assert all(before < after for before, after in itertools.pairwise(tokens)) and len(tokens) == 4
