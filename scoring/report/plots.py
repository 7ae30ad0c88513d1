"""The plots of a report, drawn from ``report.json`` alone and without matplotlib's global state.

No text from captions, models or files is drawn: the axes name sections and protocols only.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from vdc.sections import SECTIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart with every common colour blindness; markers and hatches differ as well.
COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")
MARKERS: Final = ("o", "s", "^", "D", "v")
_INK: Final = "#222222"
_WORDS: Final = {section: section.replace("_", " ") for section in SECTIONS}

PLOTS: Final[Mapping[str, str]] = {
    "Sections with 95 % intervals": "plots/sections.png",
    "Protocols compared": "plots/protocols.png",
    "Scores of all judged questions": "plots/scores.png",
}
"""Title -> path in the run folder."""


def draw_plots(report: Mapping[str, Any]) -> dict[str, bytes]:
    """Path in the run folder -> PNG bytes. The same report gives the same bytes."""
    figures = (_sections(report), _protocols(report), _scores(report))
    return {path: _png(figure) for path, figure in zip(PLOTS.values(), figures, strict=True)}


def _png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _figure(columns: int, height: float) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, height), dpi=120, layout="constrained", facecolor="white")
    axes = list(figure.subplots(1, columns, sharey=columns > 1, squeeze=False)[0])
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_axisbelow(True)
    return figure, axes


def _span(rows: Iterable[Mapping[str, Any]], metric: str) -> tuple[float, float]:
    """Ends of an axis that shows all values and intervals with a margin, never beyond what the metric can be."""
    factor, top, least = (100.0, 100.0, 20.0) if metric == "accuracy" else (1.0, 5.0, 1.0)
    ends = [
        factor * end for row in rows if row[metric] is not None for end in (row[metric], *(row[f"{metric}_ci95"] or ()))
    ]
    if not ends:
        return 0.0, top
    middle, half = (min(ends) + max(ends)) / 2, max(least, 1.3 * (max(ends) - min(ends))) / 2
    margin = 0.02 * top  # a marker on the border of what is possible is still drawn whole
    return max(-margin, middle - half), min(top + margin, middle + half)


def _sections(report: Mapping[str, Any]) -> Figure:
    rows = {_WORDS[name]: row for name, row in report["sections"].items()}
    if report["average"]["accuracy"] is not None:
        rows["average"] = report["average"]
    figure, axes = _figure(2, 1.2 + 0.42 * len(rows))
    places = range(len(rows))
    for axis, metric, factor, label in (
        (axes[0], "accuracy", 100.0, "accuracy (%)"),
        (axes[1], "score", 1.0, "score (0 to 5)"),
    ):
        for place, (name, row) in enumerate(rows.items()):
            if row[metric] is None:
                continue
            value = factor * row[metric]
            ends = row[f"{metric}_ci95"]
            spread = [[value - factor * ends[0]], [factor * ends[1] - value]] if ends else None
            axis.errorbar(
                value,
                place,
                xerr=spread,
                fmt="D" if name == "average" else "o",
                color=COLOURS[1] if name == "average" else COLOURS[0],
                markersize=7,
                capsize=4,
                linewidth=1.8,
            )
            text = f"{value:.1f}" if metric == "accuracy" else f"{value:.2f}"
            axis.annotate(text, (value, place), xytext=(0, 7), textcoords="offset points", ha="center", color=_INK)
        axis.set_yticks(list(places), list(rows))
        axis.set_xlabel(label)
        axis.set_xlim(*_span(rows.values(), metric))
        axis.grid(axis="x", color="#dddddd")
    axes[0].set_ylim(len(rows) - 0.5, -0.7)
    figure.suptitle("Sections, protocol strict, with 95 % intervals")
    return figure


def _protocols(report: Mapping[str, Any]) -> Figure:
    sections = list(report["sections"])
    groups = [_WORDS[name] for name in sections]
    averaged = report["average"]["accuracy"] is not None
    groups += ["average"] if averaged else []
    figure, axes = _figure(2, 1.6 + 0.6 * len(groups))
    shown: dict[str, list[Mapping[str, Any]]] = {"accuracy": [], "score": []}
    for place, (name, protocol) in enumerate(report["protocols"].items()):
        rows = [protocol["sections"][section] for section in sections]
        rows += [protocol["average"]] if averaged else []
        shift = (place - 2) * 0.14
        for axis, metric, factor in ((axes[0], "accuracy", 100.0), (axes[1], "score", 1.0)):
            known = [(row, group + shift) for group, row in enumerate(rows) if row[metric] is not None]
            axis.plot(
                [factor * row[metric] for row, _ in known],
                [height for _, height in known],
                linestyle="none",
                marker=MARKERS[place],
                color=COLOURS[place],
                markeredgecolor=_INK,
                markeredgewidth=0.5,
                markersize=6,
                label=name,
                zorder=3,
            )
            for row, height in known:
                if ends := row[f"{metric}_ci95"]:
                    axis.hlines(height, factor * ends[0], factor * ends[1], color=COLOURS[place], linewidth=1.5)
            shown[metric] += [row for row, _ in known]
    for axis, metric, label in ((axes[0], "accuracy", "accuracy (%)"), (axes[1], "score", "score (0 to 5)")):
        axis.set_yticks(range(len(groups)), groups)
        axis.set_xlabel(label)
        axis.set_xlim(*_span(shown[metric], metric))
        axis.grid(axis="x", color="#dddddd")
        for border in range(1, len(groups)):
            axis.axhline(border - 0.5, color="#eeeeee", linewidth=0.8)
    axes[0].set_ylim(len(groups) - 0.5, -0.5)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.suptitle("The same verdicts under each protocol, with 95 % intervals")
    return figure


def _scores(report: Mapping[str, Any]) -> Figure:
    from matplotlib.ticker import MaxNLocator

    histogram = report["score_histogram"]
    names = list(histogram["questions"])
    figure, axes = _figure(1, 3.8)
    axis = axes[0]
    width = 0.8 / max(1, len(names))
    for place, name in enumerate(names):
        counts = histogram["questions"][name]
        total = sum(counts)
        shares = [100 * count / total if total else 0.0 for count in counts]
        left = [score + (place - (len(names) - 1) / 2) * width for score in histogram["scores"]]
        axis.bar(
            left,
            shares,
            width=width,
            color=COLOURS[SECTIONS.index(name)],
            edgecolor=_INK,
            linewidth=0.5,
            hatch=("", "///", "...", "xx", "\\\\\\")[SECTIONS.index(name)],
            label=_WORDS[name],
        )
    axis.set_xticks(histogram["scores"])
    axis.set_xlabel("score (rounded to a whole number)")
    axis.set_ylabel("share of judged questions (%)")
    axis.grid(axis="y", color="#dddddd")
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=max(1, len(labels)), frameon=False)
    figure.suptitle("Scores of all judged questions")
    return figure
