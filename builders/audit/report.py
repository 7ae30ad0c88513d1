"""The readable report of an audit: Markdown with plots, and one self-contained HTML page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from builders.audit.board_audit import BoardAudit, board_json
from builders.audit.board_rules import BOARD_RULES
from builders.audit.document import Block, Bullets, Heading, Paragraph, Picture, Table, to_html, to_markdown
from builders.audit.model import Audit, Finding
from builders.audit.registry import CROSS_RULES, SECTION_RULES
from builders.audit.run import audit_json
from vdc.textio import write_atomic

PLOT_FOLDER: Final = "plots"
QUOTED_WORDS: Final = 6
EXAMPLES: Final = 2
FILE_EXAMPLES: Final = 10
EXPLAINED_REMOVALS: Final = (
    "A question that several rules remove goes under the first of them in the table of findings."
)


def write_benchmark_report(audit: Audit, folder: Path) -> list[Path]:
    """Write ``benchmark.md``, ``benchmark.html``, ``benchmark.json`` and the plots.

    Args:
        audit: The audit.
        folder: Made if it does not exist; files of an earlier report in it are replaced.

    Returns:
        The files written.

    Raises:
        RunFailed: The folder cannot be written.
    """
    from builders.audit.plots import benchmark_plots

    plots = {f"{PLOT_FOLDER}/{name}": data for name, data in benchmark_plots(audit).items()}
    return _write(folder, "benchmark", benchmark_document(audit, plots), audit_json(audit), plots)


def write_board_report(audit: BoardAudit, folder: Path) -> list[Path]:
    """Write ``board.md``, ``board.html``, ``board.json`` and the plots; otherwise as for a benchmark."""
    from builders.audit.plots import board_plots

    plots = {f"{PLOT_FOLDER}/{name}": data for name, data in board_plots(audit).items()}
    return _write(folder, "board", board_document(audit, plots), board_json(audit), plots)


def benchmark_document(audit: Audit, plots: Mapping[str, bytes]) -> list[Block]:
    """The report of a benchmark's audit.

    Args:
        audit: The audit.
        plots: File name -> PNG of the plots to show.
    """
    sections = list(audit.sections)
    clean = audit.clean
    total = clean["kept"] + clean["removed"]
    blocks: list[Block] = [
        Heading(1, f"Audit of {audit.name}"),
        Paragraph(
            f"{total:,} questions on {sum(found.rows for found in audit.sections.values()):,} rows in "
            f"{len(sections)} sections, read from a {audit.source}, revision {audit.revision}. Rows are counted as "
            f"they stand in the files, duplicates included. A finding is a reason to look, not a failure. The clean "
            f"list (version {clean['clean_version']}) keeps {clean['kept']:,} questions and leaves out "
            f"{clean['removed']:,}."
        ),
        Heading(2, "Files"),
        Table(("file", "SHA-256"), [(name, digest) for name, digest in audit.files.items()]),
        Heading(2, "Sections"),
        Table(
            ("section", "rows", "videos", "questions", "per row min", "median", "mean", "max", "categories", "normal"),
            [
                (
                    name,
                    f"{found.rows:,}",
                    f"{found.videos:,}",
                    f"{found.questions:,}",
                    str(found.statistics.minimum),
                    str(found.statistics.median),
                    f"{found.statistics.mean:.2f}",
                    str(found.statistics.maximum),
                    f"{found.statistics.raw_categories:,}",
                    f"{found.statistics.normal_categories:,}",
                )
                for name, found in audit.sections.items()
            ],
            frozenset(range(1, 10)),
        ),
        *_pictures(plots, "questions_per_video.png", "How many questions the rows of each section have."),
        Heading(2, "Findings"),
        *_pictures(plots, "findings.png", "Counts of findings per rule and section; darker means a larger share."),
        Table(
            ("rule", "severity", "level", *sections, "all"),
            [
                (
                    rule.id,
                    rule.severity,
                    rule.level,
                    *(f"{len(audit.sections[name].findings[rule.id]):,}" for name in sections),
                    f"{sum(len(audit.sections[name].findings[rule.id]) for name in sections):,}",
                )
                for rule in SECTION_RULES
            ],
            frozenset(range(3, 4 + len(sections))),
        ),
        Heading(2, "Sections against each other"),
        Paragraph(
            "Overlap is the mean over videos of the Jaccard of content words of two sections' questions and answers; "
            "the control compares different videos."
        ),
        *_pictures(plots, "word_overlap.png", "Mean word overlap of every two sections, control in brackets."),
        Table(
            ("rule", "severity", "findings", "reason"),
            [(rule.id, rule.severity, f"{len(audit.cross_findings[rule.id]):,}", rule.reason) for rule in CROSS_RULES],
            frozenset({2}),
        ),
        Heading(2, "Clean list"),
        Paragraph(
            f"{EXPLAINED_REMOVALS} Questions on the earlier lines of a repeated id, which no score counts, go under "
            "duplicate_ids."
        ),
        *_pictures(plots, "kept.png", "Share of the scored questions that stay, and the rules that remove the others."),
        Table(
            ("rule", "questions left out"),
            [(rule, f"{count:,}") for rule, count in clean["removed_by_rule"].items()],
            frozenset({1}),
        ),
        Heading(2, "Rules"),
    ]
    for rule in SECTION_RULES:
        # Ids are few and name what has to be repaired: all are shown. Of the others one per section is enough.
        most = FILE_EXAMPLES if rule.level == "file" else 1
        examples = [finding for name in sections for finding in audit.sections[name].findings[rule.id][:most]]
        shown = examples[: max(most, EXAMPLES)]
        blocks += _rule_blocks(rule.id, rule.reason, rule.definition, shown)
    for cross_rule in CROSS_RULES:
        found = audit.cross_findings[cross_rule.id]
        blocks += _rule_blocks(cross_rule.id, cross_rule.reason, cross_rule.definition, found[:EXAMPLES])
    return blocks


def board_document(audit: BoardAudit, plots: Mapping[str, bytes]) -> list[Block]:
    """The report of a board's audit.

    Args:
        audit: The audit.
        plots: File name -> PNG of the plots to show.
    """
    blocks: list[Block] = [
        Heading(1, f"Audit of the board file {audit.board.name}"),
        Paragraph(f"{len(audit.board.rows)} rows, counted from 0. SHA-256 {audit.board.sha256}."),
        *_pictures(plots, "board_averages.png", "Published average accuracy against the mean of the five sections."),
        Heading(2, "Findings"),
        Table(
            ("rule", "severity", "findings", "reason"),
            [(rule.id, rule.severity, str(len(audit.findings[rule.id])), rule.reason) for rule in BOARD_RULES],
            frozenset({2}),
        ),
        Heading(2, "Rules"),
    ]
    for rule in BOARD_RULES:
        found = audit.findings[rule.id]
        blocks += [Heading(3, rule.id), Paragraph(f"{_sentence(rule.definition)} {rule.reason}")]
        if found:
            blocks.append(Bullets([_board_line(finding) for finding in found]))
    return blocks


def _rule_blocks(name: str, reason: str, definition: str, found: Sequence[Finding]) -> list[Block]:
    blocks: list[Block] = [Heading(3, name), Paragraph(f"{_sentence(definition)} {reason}")]
    if found:
        blocks.append(Bullets([_example(finding) for finding in found]))
    return blocks


def _example(finding: Finding) -> str:
    line = "" if finding.line is None else f", line {finding.line}"
    position = "" if finding.question_index is None else f", question {finding.question_index}"
    return f"{finding.video_id or 'whole benchmark'}{line}{position}: {_few_words(finding.detail)}"


def _few_words(detail: str) -> str:
    """Each side of a detail cut to a few words: the report quotes, it does not republish."""
    sides = detail.split(" -> ")
    if len(sides) == 1:
        return detail
    return " -> ".join(_cut(side) for side in sides)


def _cut(text: str) -> str:
    words = text.split()
    return " ".join(words) if len(words) <= QUOTED_WORDS else " ".join(words[:QUOTED_WORDS]) + " ..."


def _board_line(finding: Finding) -> str:
    place = "" if finding.line is None else f" (row {finding.line})"
    return f"{finding.video_id}{place}: {finding.detail}" if finding.video_id else finding.detail


def _sentence(text: str) -> str:
    start = text[:1].upper() + text[1:]
    return start if re.search(r"[.!?]$", start) else f"{start}."


def _pictures(plots: Mapping[str, bytes], name: str, caption: str) -> list[Block]:
    file = f"{PLOT_FOLDER}/{name}"
    return [Picture(file, caption)] if file in plots else []


def _write(
    folder: Path, stem: str, blocks: Sequence[Block], record: Mapping[str, Any], plots: Mapping[str, bytes]
) -> list[Path]:
    files: dict[str, bytes | str] = {
        **plots,
        f"{stem}.json": json.dumps(record, indent=2, ensure_ascii=False) + "\n",
        f"{stem}.html": to_html(blocks, plots),
        f"{stem}.md": to_markdown(blocks),
    }
    for name, content in files.items():
        write_atomic(folder / name, content)
    return [folder / name for name in files]
