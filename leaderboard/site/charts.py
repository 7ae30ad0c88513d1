"""Charts as Vega-Lite documents: colours and fonts are the theme's, shapes tell apart what colours do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

SIZE: Final = 110
NARROW_PX: Final = 34
LEAST_ROOM: Final = 0.5
"""Percentage points, or a tenth of the score's range: differences smaller than this are not blown up."""


def dumbbell(lines: Sequence[dict[str, Any]], *, unit: str, names: tuple[str, str]) -> dict[str, Any]:
    """Two runs side by side, one line per section.

    Args:
        lines: ``section``, ``first``, ``second``, in the order to show them.
        unit: Title of the axis.
        names: Of the runs, for the legend.
    """
    points = [
        {"section": line["section"], "run": name, "value": line[side]}
        for line in lines
        for side, name in zip(("first", "second"), names, strict=True)
        if line[side] is not None
    ]
    order = [line["section"] for line in lines]
    across = {"field": "section", "type": "nominal", "sort": order, "title": None}
    scale = {"domain": list(names)}
    axis = _axis([point["value"] for point in points], unit)
    return {
        "height": {"step": NARROW_PX},
        "layer": [
            {
                "data": {"values": list(lines)},
                "mark": {"type": "rule", "strokeWidth": 2, "color": "#888888"},
                "encoding": {
                    "y": across,
                    "x": {**axis, "field": "first"},
                    "x2": {"field": "second"},
                },
            },
            {
                "data": {"values": points},
                "mark": {"type": "point", "strokeWidth": 2.5, "opacity": 1},
                "encoding": {
                    "y": across,
                    "x": {**axis, "field": "value"},
                    "color": {"field": "run", "type": "nominal", "scale": scale, "title": None},
                    # Open and of two sizes: where both runs agree, both are still seen.
                    "shape": {
                        "field": "run",
                        "type": "nominal",
                        "scale": {**scale, "range": ["circle", "square"]},
                        "title": None,
                    },
                    "size": {
                        "field": "run",
                        "type": "nominal",
                        "scale": {**scale, "range": [2 * SIZE, SIZE // 2]},
                        "title": None,
                    },
                    "tooltip": [
                        {"field": "section", "type": "nominal", "title": "Section"},
                        {"field": "run", "type": "nominal", "title": "Run"},
                        {"field": "value", "type": "quantitative", "title": unit, "format": ".2f"},
                    ],
                },
            },
        ],
        "config": {"legend": {"orient": "top", "labelLimit": 260}},
    }


def cost_chart(points: Sequence[dict[str, Any]], *, unit: str) -> dict[str, Any]:
    """Tokens against a number, with the front as a line of steps.

    Args:
        points: ``model``, ``name`` (short, for the label), ``tokens``, ``value``, ``front`` (a word), ``frames``
            (text).
        unit: Title of the axis of the number.
    """
    words = ["on the front", "beaten at both"]
    tokens = {
        "field": "tokens",
        "type": "quantitative",
        "title": "visual tokens per video (log scale)",
        "scale": {"type": "log", "domain": _log_domain([point["tokens"] for point in points]), "nice": False},
        "axis": {"format": "~s", "labelOverlap": True},
    }
    value = {**_axis([point["value"] for point in points], unit), "field": "value"}
    steps = [{**point, "order": place} for place, point in enumerate(points) if point["front"] == words[0]]
    return {
        "height": 420,
        "layer": [
            {
                "data": {"values": steps},
                "mark": {"type": "line", "interpolate": "step-after", "strokeDash": [5, 4], "opacity": 0.6},
                "encoding": {"x": tokens, "y": value, "order": {"field": "order", "type": "quantitative"}},
            },
            {
                "data": {"values": list(points)},
                "mark": {"type": "point", "filled": True, "size": SIZE, "opacity": 0.9},
                "encoding": {
                    "x": tokens,
                    "y": value,
                    "shape": {
                        "field": "front",
                        "type": "nominal",
                        "title": None,
                        "scale": {"domain": words, "range": ["diamond", "circle"]},
                    },
                    "color": {"field": "front", "type": "nominal", "title": None, "scale": {"domain": words}},
                    "tooltip": [
                        {"field": "model", "type": "nominal", "title": "Model"},
                        {"field": "value", "type": "quantitative", "title": unit, "format": ".2f"},
                        {"field": "tokens", "type": "quantitative", "title": "Visual tokens", "format": ",d"},
                        {"field": "frames", "type": "nominal", "title": "Frames × tokens"},
                        {"field": "front", "type": "nominal", "title": "Pareto"},
                    ],
                },
            },
            *(
                {
                    "data": {"values": named},
                    "mark": {"type": "text", "limit": 150, **place},
                    "encoding": {
                        "x": tokens,
                        "y": value,
                        "text": {"field": "name", "type": "nominal"},
                        "color": {"field": "front", "type": "nominal"},
                    },
                }
                for named, place in _labels(steps)
            ),
        ],
        "config": {"legend": {"orient": "top"}},
    }


def _labels(steps: Sequence[dict[str, Any]]) -> list[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """The points of a front to be named, by where the name stands: one name for neighbours that share it."""
    named = [step for place, step in enumerate(steps) if place == 0 or steps[place - 1]["name"] != step["name"]]
    # Above the line and to its left the front has nothing; the first point has no room there.
    first: dict[str, Any] = {"align": "left", "dx": 8, "dy": 14}
    others: dict[str, Any] = {"align": "right", "dx": -8, "dy": -10}
    return [(points, place) for points, place in ((named[:1], first), (named[1:], others)) if points]


def _log_domain(values: Sequence[float]) -> list[float]:
    """All values with room at both ends, on a logarithmic axis."""
    low, high = (min(values), max(values)) if values else (1.0, 10.0)
    room = max((high / low) ** 0.05, 1.2)
    return [low / room, high * room]


def _axis(values: Sequence[float], unit: str) -> dict[str, Any]:
    """An axis that shows the values with room around them, even where they are all the same."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = max(0.08 * (high - low), LEAST_ROOM)
    return {
        "type": "quantitative",
        "title": unit,
        "scale": {"domain": [low - room, high + room], "zero": False, "nice": False},
        "axis": {"format": ".2~f", "tickCount": 8},
    }
