"""Plots of an audit, as PNG. Importing this module imports matplotlib."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from builders.audit.board_audit import BoardAudit
from builders.audit.model import Audit
from builders.audit.registry import SECTION_RULES

BLUE, ORANGE, GREY = "#0072b2", "#e69f00", "#999999"
"""Colours that stay apart for colour-blind readers and in grey print."""

_DPI: Final = 110
_LOG_FLOOR: Final = 0.005
"""Shares below this, in percent, are drawn as the lightest colour."""


def benchmark_plots(audit: Audit) -> dict[str, bytes]:
    """File name -> PNG of the plots of a benchmark's audit."""
    plots = {
        "findings.png": _findings(audit),
        "kept.png": _kept(audit),
        "questions_per_video.png": _questions_per_row(audit),
    }
    if audit.overlap:
        plots["word_overlap.png"] = _word_overlap(audit)
    return plots


def board_plots(audit: BoardAudit) -> dict[str, bytes]:
    """File name -> PNG of the plots of a board's audit."""
    return {"board_averages.png": _board_averages(audit)}


def _findings(audit: Audit) -> bytes:
    """Share of questions, rows or files found by each rule and section."""
    sections = list(audit.sections)
    rules = [rule for rule in SECTION_RULES if any(audit.sections[name].findings[rule.id] for name in sections)]
    figure = Figure(figsize=(8.5, 1.6 + 0.3 * max(len(rules), 1)), layout="constrained")
    axes = figure.add_subplot()
    shares = [
        [_share(len(audit.sections[name].findings[rule.id]), rule.level, audit, name) for name in sections]
        for rule in rules
    ]
    if rules:
        from matplotlib.colors import LogNorm

        drawn = [[max(share, _LOG_FLOOR) for share in line] for line in shares]
        image = axes.imshow(drawn, aspect="auto", cmap="Blues", norm=LogNorm(_LOG_FLOOR, 100))
        bar = figure.colorbar(image, ax=axes, shrink=0.8)
        bar.set_ticks([0.01, 0.1, 1, 10, 100], labels=["0.01", "0.1", "1", "10", "100"])
        bar.set_label("share found, % (log scale)")
        for row, (rule, line) in enumerate(zip(rules, shares, strict=True)):
            for column, share in enumerate(line):
                count = len(audit.sections[sections[column]].findings[rule.id])
                colour = "white" if share > 3 else "black"
                axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(sections)), sections)
    axes.set_yticks(range(len(rules)), [f"{rule.id} ({rule.level})" for rule in rules], fontsize=8)
    axes.set_title("Findings per rule and section: counts; colour is the share of questions or rows", fontsize=10)
    return _png(figure)


def _share(count: int, level: str, audit: Audit, section: Any) -> float:
    found = audit.sections[section]
    whole = found.questions if level == "question" else found.rows
    return 100 * count / whole


def _kept(audit: Audit) -> bytes:
    """Questions of each section that the clean list keeps, and why the others go."""
    sections = list(audit.sections)
    reasons: dict[str, Counter[str]] = {name: Counter() for name in sections}
    for name in sections:
        for row in audit.clean["removed_questions"].get(name, {}).values():
            reasons[name].update(row.values())
    order = [rule for rule, _ in sum(reasons.values(), Counter[str]()).most_common()]
    shown, rest = order[:5], order[5:]
    figure = Figure(figsize=(8.5, 3.4), layout="constrained")
    axes = figure.add_subplot()
    scored = {name: sum(len(row.questions) for row in audit.tables.last_rows[name].values()) for name in sections}
    left = [100 * (1 - reasons[name].total() / scored[name]) for name in sections]
    axes.barh(sections, left, color=GREY, label="kept")
    colours = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7")
    hatches = ("//", "", "..", "\\\\", "")
    for rule, colour, hatch in zip(shown, colours, hatches, strict=False):
        widths = [100 * reasons[name][rule] / scored[name] for name in sections]
        axes.barh(sections, widths, left=left, color=colour, hatch=hatch, edgecolor="white", label=rule)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    if rest:
        widths = [100 * sum(reasons[name][rule] for rule in rest) / scored[name] for name in sections]
        axes.barh(sections, widths, left=left, color="black", label="other rules")
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the scored questions, %")
    axes.set_title("What the clean list keeps, and why the rest goes", fontsize=10)
    axes.legend(fontsize=8, ncols=1, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return _png(figure)


def _questions_per_row(audit: Audit) -> bytes:
    """Histogram of questions per row, one panel per section."""
    sections = list(audit.sections)
    counts = {name: [len(row.questions) for row in audit.tables.rows[name]] for name in sections}
    low = min(min(values) for values in counts.values())
    high = max(max(values) for values in counts.values())
    figure = Figure(figsize=(8.5, 2.6), layout="constrained")
    panels: Sequence[Any] = figure.subplots(1, len(sections), sharex=True, sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, sections, strict=True):
        axes.hist(counts[name], bins=[edge - 0.5 for edge in range(low, high + 2)], color=BLUE)
        axes.set_title(name, fontsize=9)
        axes.set_yscale("log")
    panels[0].set_ylabel("rows (log scale)")
    figure.supxlabel("questions per row", fontsize=10)
    return _png(figure)


def _word_overlap(audit: Audit) -> bytes:
    """Mean word overlap of sections for the same video, with the value for unrelated videos below it."""
    sections = list(audit.sections)
    figure = Figure(figsize=(6.4, 5.0), layout="constrained")
    axes = figure.add_subplot()
    grid = [
        [
            audit.overlap[first, second].overlap if (first, second) in audit.overlap else float("nan")
            for second in sections
        ]
        for first in sections
    ]
    image = axes.imshow(grid, cmap="Blues", vmin=0)
    for row, first in enumerate(sections):
        for column, second in enumerate(sections):
            value = audit.overlap.get((first, second))
            if value is not None:
                dark = value.overlap > 0.6 * max(cell.overlap for cell in audit.overlap.values())
                axes.text(
                    column,
                    row,
                    f"{value.overlap:.2f}\n({value.control:.2f})",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if dark else "black",
                )
    axes.set_xticks(range(len(sections)), sections, fontsize=8)
    axes.set_yticks(range(len(sections)), sections, fontsize=8)
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("mean Jaccard of content words, same video")
    axes.set_title("Words that two sections share (in brackets: unrelated videos)", fontsize=10)
    return _png(figure)


def _board_averages(audit: BoardAudit) -> bytes:
    """Published averages against the mean of the five sections, with the rows beyond the tolerance named."""
    points: list[tuple[str, float, float]] = []
    for row in audit.board.rows:
        average, sections = row.number("avg_acc"), row.sections("acc")
        if average is not None and len(sections) == 5:
            points.append((row.model, sum(sections.values()) / 5, average - sum(sections.values()) / 5))
    wrong: Mapping[str, float] = {finding.video_id: 0.0 for finding in audit.findings["accuracy_average_mismatch"]}
    figure = Figure(figsize=(8.5, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(0, color=GREY, linewidth=1)
    for label, colour, marker, inside in (("as its sections", BLUE, "o", False), ("differs", ORANGE, "D", True)):
        chosen = [point for point in points if (point[0] in wrong) == inside]
        axes.scatter(
            [x for _, x, _ in chosen],
            [y for _, _, y in chosen],
            color=colour,
            marker=marker,
            s=28,
            label=label,
            zorder=3,
        )
    for model, mean, difference in points:
        if model in wrong:
            place = (mean, difference)
            axes.annotate(model, place, textcoords="offset points", xytext=(7, -3), fontsize=8)
    axes.margins(x=0.14, y=0.15)
    axes.set_xlabel("mean accuracy of the five sections, %")
    axes.set_ylabel("published average minus mean,\npercentage points")
    axes.set_title("Published averages against their own sections", fontsize=10)
    axes.legend(fontsize=8, loc="upper left")
    return _png(figure)


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    sink = io.BytesIO()
    # Without the software name and date equal audits give equal files.
    figure.savefig(sink, format="png", dpi=_DPI, metadata={"Software": None})
    return sink.getvalue()
