"""Rules about a published board: averages, types, placeholders, names, order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Final

from builders.audit.board import AVERAGE, SETTINGS, Board, BoardRow, Measure, show_value
from builders.audit.model import Finding, Rule
from vdc.sections import ALIASES, SECTIONS, find_section

ACCURACY_TOLERANCE: Final = Fraction("0.02")
"""Percentage points an average may differ from the mean of its sections: both are rounded to two decimals."""

SCORE_TOLERANCE: Final = Fraction("0.011")
"""The same for scores, 0 to 5."""

LONG_FORMS: Final[dict[str, str]] = {"ov": "onevision"}
"""Part of a model name -> its long form, for comparing names."""

KNOWN_ALIASES: Final = (frozenset({"Qwen2-VL-7B", "QwenVL-v2-8B"}),)
"""Names that mean one model though no rule of spelling says so (the 8B counts the vision tower)."""

PERCENT_TOP: Final = 100.0
SCORE_TOP: Final = 5.0

BoardCheck = Callable[[Board], Iterator[Finding]]


def _mismatches(board: Board, measure: Measure, tolerance: Fraction) -> Iterator[Finding]:
    for row in board.rows:
        average, sections = row.number(f"{AVERAGE}_{measure}"), row.sections(measure)
        if average is None or len(sections) < len(SECTIONS):
            continue
        # Decimal fractions as written: binary floats would decide ties at the tolerance by accident.
        mean = sum((Fraction(str(value)) for value in sections.values()), Fraction()) / len(SECTIONS)
        if abs(Fraction(str(average)) - mean) > tolerance:
            yield _finding(row, f"{AVERAGE}_{measure} {average:g}, mean of the sections {float(mean):.3f}")


def find_accuracy_mismatches(board: Board) -> Iterator[Finding]:
    """Average accuracies that are not the mean of the five sections."""
    return _mismatches(board, "acc", ACCURACY_TOLERANCE)


def find_score_mismatches(board: Board) -> Iterator[Finding]:
    """Average scores that are not the mean of the five sections."""
    return _mismatches(board, "score", SCORE_TOLERANCE)


def find_repeated_averages(board: Board) -> Iterator[Finding]:
    """Rows whose two averages are exactly the two numbers of one section."""
    for row in board.rows:
        accuracy, score = row.number("avg_acc"), row.number("avg_score")
        accuracies, scores = row.sections("acc"), row.sections("score")
        # A row with the same number everywhere is odd, but its average repeats nothing.
        if accuracy is None or score is None or len(set(accuracies.values())) < 2:
            continue
        for section in SECTIONS:
            if accuracies.get(section) == accuracy and scores.get(section) == score:
                yield _finding(row, f"both averages are those of {section}")


def find_numbers_as_text(board: Board) -> Iterator[Finding]:
    """Averages and section numbers written as text."""
    for row in board.rows:
        for field in row.metric_fields():
            if isinstance(row.values[field], str) and row.number(field) is not None:
                yield _finding(row, f"{field} = {show_value(row.values[field])}")


def find_missing_numbers(board: Board) -> Iterator[Finding]:
    """Averages and section fields without a number."""
    for row in board.rows:
        for field in row.metric_fields():
            if row.number(field) is None:
                yield _finding(row, f"{field} = {show_value(row.values[field])}")
        have = {section for field in row.metric_fields() for section in [_section_of(field)] if section}
        for section in SECTIONS:
            if section not in have:
                yield _finding(row, f"no field for {section}")


def find_settings_without_integer(board: Board) -> Iterator[Finding]:
    """Frames and tokens per frame that are no plain whole number."""
    for row in board.rows:
        for field in SETTINGS:
            value = row.values.get(field)
            plain = isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdecimal())
            if not plain or isinstance(value, bool):
                yield _finding(row, f"{field} = {show_value(value)}")


def find_rows_without_frames(board: Board) -> Iterator[Finding]:
    """Rows with section numbers but neither frames nor tokens per frame: perhaps no video was shown."""
    for row in board.rows:
        if row.sections("acc") and all(not re.search(r"\d", str(row.values.get(field, ""))) for field in SETTINGS):
            yield _finding(row, ", ".join(f"{field} = {show_value(row.values.get(field))}" for field in SETTINGS))


def find_out_of_range(board: Board) -> Iterator[Finding]:
    """Accuracies outside 0 to 100 and scores outside 0 to 5."""
    for row in board.rows:
        for field in row.metric_fields():
            number = row.number(field)
            top = SCORE_TOP if field.endswith("_score") else PERCENT_TOP
            if number is not None and not 0 <= number <= top:
                yield _finding(row, f"{field} = {show_value(row.values[field])}")


def find_duplicate_models(board: Board) -> Iterator[Finding]:
    """Names that stand on an earlier row too."""
    seen: dict[str, int] = {}
    for row in board.rows:
        if row.model in seen:
            yield _finding(row, f"also row {seen[row.model]}")
        seen.setdefault(row.model, row.position)


def find_alias_pairs(board: Board) -> Iterator[Finding]:
    """Pairs of different names that seem to mean one model."""
    for first, second in combinations(board.rows, 2):
        if first.model == second.model:
            continue
        known = frozenset({first.model, second.model}) in KNOWN_ALIASES
        if known or _same_model(first.model, second.model):
            gap = _gap(first, second)
            why = "a known alias" if known else "the same name but for its spelling"
            yield _finding(second, f"{first.model} (row {first.position}): {why}{gap}")


def find_section_aliases(board: Board) -> Iterator[Finding]:
    """Section names of the first row's fields that are not this project's."""
    fields = dict.fromkeys(field for row in board.rows for field in row.metric_fields())
    for field in fields:
        name = field.rpartition("_")[0].lower()
        if name in ALIASES:
            yield Finding("", None, None, f"{field}: the section is called {ALIASES[name]} everywhere else")


def find_inversions(board: Board) -> Iterator[Finding]:
    """Pairs of rows that average accuracy orders one way and average score the other."""
    ranked = [
        (row, accuracy, score)
        for row in board.rows
        for accuracy, score in [(row.number("avg_acc"), row.number("avg_score"))]
        if accuracy is not None and score is not None
    ]
    for (first, first_accuracy, first_score), (second, second_accuracy, second_score) in combinations(ranked, 2):
        if (first_accuracy - second_accuracy) * (first_score - second_score) < 0:
            detail = f"{first_accuracy:g}/{first_score:g} against {second_accuracy:g}/{second_score:g}"
            yield _finding(second, f"{first.model} (row {first.position}): {detail}")


def find_unsorted_rows(board: Board) -> Iterator[Finding]:
    """Rows with a higher average accuracy than the row above them."""
    numbers = [(row, row.number("avg_acc")) for row in board.rows]
    known = [(row, number) for row, number in numbers if number is not None]
    for (above, above_number), (row, number) in pairwise(known):
        if number > above_number:
            yield _finding(row, f"{number:g} below {above.model} with {above_number:g}")


BOARD_RULES: Final[tuple[Rule[BoardCheck], ...]] = (
    Rule(
        "accuracy_average_mismatch",
        "The headline number is not made of the numbers beside it.",
        f"avg_acc differs from the mean of the five sections by more than {float(ACCURACY_TOLERANCE)}; rows that lack "
        "a section are not looked at",
        "error",
        "board",
        find_accuracy_mismatches,
    ),
    Rule(
        "score_average_mismatch",
        "The headline number is not made of the numbers beside it.",
        f"avg_score differs from the mean of the five sections by more than {float(SCORE_TOLERANCE)}; rows that lack a "
        "section are not looked at",
        "error",
        "board",
        find_score_mismatches,
    ),
    Rule(
        "average_repeats_section",
        "A section's numbers were copied into the average.",
        "avg_acc and avg_score equal the two numbers of one section, while the sections differ",
        "error",
        "board",
        find_repeated_averages,
    ),
    Rule(
        "out_of_range",
        "No measurement can give this number.",
        f"accuracy outside 0 to {PERCENT_TOP:g}, or score outside 0 to {SCORE_TOP:g}",
        "error",
        "board",
        find_out_of_range,
    ),
    Rule(
        "duplicate_model",
        "Two rows of one name cannot be told apart.",
        "rows whose model stands on an earlier row",
        "error",
        "board",
        find_duplicate_models,
    ),
    Rule(
        "number_as_text",
        "Text sorts and averages differently from numbers.",
        "average and section fields that hold a number as text, one finding per field",
        "warning",
        "board",
        find_numbers_as_text,
    ),
    Rule(
        "missing_number",
        "The average of such a row cannot be checked.",
        "average and section fields that hold no number, and sections without a field",
        "warning",
        "board",
        find_missing_numbers,
    ),
    Rule(
        "setting_not_integer",
        "Frames and tokens cannot be compared when they are not numbers.",
        "frames or tpf is no plain whole number (as number or as digits), one finding per field",
        "warning",
        "board",
        find_settings_without_integer,
    ),
    Rule(
        "alias_models",
        "One model under two names has two ranks; their difference shows how far two teams' runs lie apart.",
        "pairs of different names that are equal in lower case, without punctuation, with parts in their long form "
        "(OV as OneVision), a size missing on one side being ignored; and pairs of a table of known aliases",
        "warning",
        "board",
        find_alias_pairs,
    ),
    Rule(
        "accuracy_score_inversion",
        "The two measures disagree about who is better, so the difference is within their noise.",
        "pairs of rows of which one has the higher avg_acc and the other the higher avg_score",
        "info",
        "board",
        find_inversions,
    ),
    Rule(
        "not_sorted",
        "A reader takes the order of the file for a ranking.",
        "rows with a higher avg_acc than the last row above them that has one",
        "info",
        "board",
        find_unsorted_rows,
    ),
    Rule(
        "no_frame_count",
        "A row without frames and tokens may be a text-only baseline.",
        "rows with section accuracies and no digit in frames and in tpf",
        "info",
        "board",
        find_rows_without_frames,
    ),
    Rule(
        "section_alias",
        "Another name for a section breaks joins with every other file.",
        "average and section fields whose section has another name, one finding per field",
        "info",
        "board",
        find_section_aliases,
    ),
)


def _finding(row: BoardRow, detail: str) -> Finding:
    return Finding(row.model, row.position, None, detail)


def _section_of(field: str) -> str | None:
    return find_section(field.rpartition("_")[0])


def _gap(first: BoardRow, second: BoardRow) -> str:
    numbers = (first.number("avg_acc"), second.number("avg_acc"))
    if numbers[0] is None or numbers[1] is None:
        return ""
    return f", averages {abs(numbers[0] - numbers[1]):.2f} points apart"


def _same_model(first: str, second: str) -> bool:
    first_name, first_sizes = _parts(first)
    second_name, second_sizes = _parts(second)
    sizes_agree = not first_sizes or not second_sizes or first_sizes == second_sizes
    return first_name == second_name and sizes_agree


def _parts(model: str) -> tuple[str, Counter[str]]:
    """A name without punctuation, parts in their long form, and its sizes such as 7b."""
    words = re.findall(r"[a-z]+|\d+(?:\.\d+)*b?", model.lower())
    sizes = Counter(word for word in words if re.fullmatch(r"\d+(?:\.\d+)*b", word))
    return "".join(LONG_FORMS.get(word, word) for word in words if word not in sizes), sizes
