"""What is wrong with published rows: found by rule, shown beside each number, never corrected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leaderboard.names import slug_of
from leaderboard.published import Published, PublishedRow, parse_number
from vdc.sections import SECTIONS

ACCURACY_TOLERANCE: Final = 0.02
"""Percentage points; printed values are rounded to two digits."""

SCORE_TOLERANCE: Final = 0.011

RULES: Final[dict[str, str]] = {
    "average_differs": "the printed average is not the mean of the five printed sections",
    "average_repeats_section": "the printed average is exactly one section's pair of values",
    "placeholder": "a value is a mark such as - or unk. instead of a number",
    "odd_number": "a number is printed in an unusual form",
    "number_as_text": "numbers stand as text where other rows have numbers",
    "average_only": "no section's value is published, so the average cannot be checked",
    "part_of_sections": "not all five sections are published, so no average can be compared",
    "no_frames": "no frame count: probably no video was seen",
    "alias": "another name on the same list looks like the same model",
    "differs_between_sources": "another source prints another value for the same model",
}


@dataclass(frozen=True, slots=True)
class Flag:
    """One finding about one row."""

    rule: str
    text: str


def audit_rows(published: Published) -> list[list[Flag]]:
    """Findings per row, in the order of the rows."""
    found = [_audit_row(row) for row in published.rows]
    _aliases(published, found)
    _between_sources(published.rows, found)
    return found


def mean_of_sections(row: PublishedRow) -> tuple[float | None, float | None]:
    """(accuracy in percent, score) over the five sections; None unless all five are numbers."""
    pairs = [row.sections.get(section) for section in SECTIONS]
    accuracies = [parse_number(pair.accuracy) if pair else None for pair in pairs]
    scores = [parse_number(pair.score) if pair else None for pair in pairs]
    return _mean(accuracies), _mean(scores)


def _audit_row(row: PublishedRow) -> list[Flag]:
    flags = []
    printed = (parse_number(row.average.accuracy), parse_number(row.average.score))
    computed = mean_of_sections(row)
    for name, value, mean, tolerance in zip(
        ("accuracy", "score"), printed, computed, (ACCURACY_TOLERANCE, SCORE_TOLERANCE), strict=True
    ):
        if value is not None and mean is not None and abs(value - mean) > tolerance + 1e-9:
            text = f"{name} printed {value:.2f}, mean of the five sections {mean:.3f}"
            flags.append(Flag("average_differs", text))
    if printed[0] is not None:
        same = [section for section, pair in row.sections.items() if pair == row.average]
        flags += [Flag("average_repeats_section", f"the average repeats {section}") for section in same]
    flags += _odd_values(row)
    numbers = [section for section, pair in row.sections.items() if parse_number(pair.accuracy) is not None]
    if not numbers:
        flags.append(Flag("average_only", "only the average is published"))
    elif len(numbers) < len(SECTIONS):
        flags.append(Flag("part_of_sections", f"only {', '.join(numbers)}"))
    if row.source == "site" and row.frames == "-" and numbers:
        flags.append(Flag("no_frames", "no frame count is given; the numbers are probably those of a text-only model"))
    if row.wrong_types:
        flags.append(Flag("number_as_text", f"{len(row.wrong_types)} values are text"))
    return flags


def _odd_values(row: PublishedRow) -> list[Flag]:
    flags = []
    values = {"frames": row.frames, "tokens per frame": row.tokens_per_frame}
    for section, pair in row.sections.items():
        values |= {f"{section} accuracy": pair.accuracy, f"{section} score": pair.score}
    marks = {name: text for name, text in values.items() if text and parse_number(text) is None}
    if marks:
        shown = ", ".join(f"{name} {text!r}" for name, text in list(marks.items())[:3])
        more = f" and {len(marks) - 3} more" if len(marks) > 3 else ""
        flags.append(Flag("placeholder", shown + more))
    odd = [f"{name} {text!r}" for name, text in values.items() if text and (text.endswith(".") or "," in text)]
    flags += [Flag("odd_number", text) for text in odd if parse_number(text.split("'")[1]) is not None]
    return flags


def _aliases(published: Published, found: list[list[Flag]]) -> None:
    names = {row.model for row in published.rows}
    for first, second, how_sure in published.aliases:
        if not {first, second} <= names:
            continue
        for row, flags in zip(published.rows, found, strict=True):
            if row.model in (first, second):
                other = second if row.model == first else first
                flags.append(Flag("alias", f"{how_sure} with {other}"))


def _between_sources(rows: Sequence[PublishedRow], found: list[list[Flag]]) -> None:
    places: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if len(row.sections) == len(SECTIONS) and not row.setting:
            places[slug_of(row.model)].append(place)
    for same in places.values():
        for place in same:
            for other in same:
                if rows[other].source == rows[place].source:
                    continue
                found[place] += [
                    Flag("differs_between_sources", f"{section} {name} {mine} here, {theirs} in {rows[other].source}")
                    for section in SECTIONS
                    for name, mine, theirs in (
                        (
                            "accuracy",
                            rows[place].sections[section].accuracy,
                            rows[other].sections[section].accuracy,
                        ),
                        ("score", rows[place].sections[section].score, rows[other].sections[section].score),
                    )
                    if parse_number(mine) is not None
                    and parse_number(theirs) is not None
                    and abs((parse_number(mine) or 0.0) - (parse_number(theirs) or 0.0)) > 1e-9
                ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(SECTIONS) else None
