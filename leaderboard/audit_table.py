"""What the audit of the published rows found: as findings, as counts, and one row in full."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.orm import Session

from leaderboard.board import without_formula
from leaderboard.board_rows import BoardRow, RowKind
from leaderboard.board_table import CELL_NAMES, NO_TEXT, model_label
from leaderboard.db.models import ReportedRow
from leaderboard.published import parse_number
from leaderboard.published_audit import RULES
from leaderboard.results import AVERAGE
from vdc.sections import SECTIONS

if TYPE_CHECKING:
    import pandas as pd

_REPORTED: Final[RowKind] = "reported"
_PREFIX: Final = "reported-"

RULE_NAMES: Final[Mapping[str, str]] = {
    "average_differs": "Average differs",
    "average_repeats_section": "Average repeats a section",
    "placeholder": "Placeholder",
    "odd_number": "Odd number",
    "number_as_text": "Number as text",
    "average_only": "Average only",
    "part_of_sections": "Part of the sections",
    "no_frames": "No frame count",
    "alias": "Alias",
    "differs_between_sources": "Sources differ",
}
FINDING_HEADS: Final[Mapping[str, str]] = {
    "model": "Model",
    "rule": "Rule",
    "finding": "What was found",
    "source": "Source",
    "date": "Date",
}
PRINTED_HEADS: Final[Mapping[str, str]] = {
    "section": "Section",
    "accuracy": "Accuracy as printed (%)",
    "score": "Score as printed (0–5)",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about one published row.

    Args:
        row_id: The row, ``reported-...``.
        model: Its captioner with its setting. Text from outside, as all that follow but the rule.
        rule: A key of :data:`leaderboard.published_audit.RULES`.
        text: What was found.
        source: Short name of the source.
        source_name: For people.
        date: Of the source.
    """

    row_id: str
    model: str
    rule: str
    text: str
    source: str
    source_name: str
    date: str


@dataclass(frozen=True, slots=True)
class PrintedRow:
    """A published row as it was printed.

    Args:
        numbers: Section or ``average`` -> (accuracy, score), each as printed.
        frames, tokens_per_frame: As printed.
        judge: As the source states it.
        mean: (accuracy in percent, score) over the five sections; None where one is not a number.
    """

    numbers: Mapping[str, tuple[str, str]]
    frames: str
    tokens_per_frame: str
    judge: str
    mean: tuple[float | None, float | None]


def findings(
    rows: Sequence[BoardRow], *, rules: Sequence[str] = (), source: str = "", search: str = ""
) -> list[Finding]:
    """The findings of published rows, by rule in the order of the rules, then by name.

    Args:
        rows: Any rows of the board.
        rules: Only these; empty for all.
        source: Only this source's rows; empty for all.
        search: Only models whose name contains this.
    """
    order = {rule: place for place, rule in enumerate(RULES)}
    word = search.casefold()
    found = [
        Finding(
            row.id,
            model_label(row),
            str(flag.get("rule", "")),
            str(flag.get("text", "")),
            row.source,
            row.source_name,
            row.source_date or "",
        )
        for row in rows
        if row.kind == _REPORTED and row.id.startswith(_PREFIX) and (not source or row.source == source)
        for flag in row.flags
    ]
    kept = [one for one in found if (not rules or one.rule in rules) and word in one.model.casefold()]
    return sorted(kept, key=lambda one: (order.get(one.rule, len(order)), one.model.casefold(), one.source, one.text))


def rule_counts(found: Sequence[Finding]) -> pd.DataFrame:
    """Findings and rows by rule, every rule named, also those that found nothing."""
    import pandas as pd

    times = Counter(one.rule for one in found)
    rows = {rule: len({one.row_id for one in found if one.rule == rule}) for rule in RULES}
    lines = [(RULE_NAMES.get(rule, rule), times[rule], rows[rule], text) for rule, text in RULES.items()]
    return pd.DataFrame(lines, columns=["rule", "findings", "rows", "means"])


def findings_table(found: Sequence[Finding]) -> pd.DataFrame:
    """One line per finding."""
    import pandas as pd

    lines = [
        (one.model, RULE_NAMES.get(one.rule, one.rule), one.text, one.source_name, one.date or NO_TEXT) for one in found
    ]
    return pd.DataFrame(lines, columns=list(FINDING_HEADS))


def findings_csv(found: Sequence[Finding]) -> bytes:
    """One line per finding; text that a spreadsheet would run as a formula is made text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Finding.__slots__)
    for one in found:
        writer.writerow([without_formula(value) for value in asdict(one).values()])
    return text.getvalue().encode("utf-8", "replace")


def findings_json(found: Sequence[Finding]) -> bytes:
    """The findings with what the rules mean."""
    plain = {"schema_version": 1, "rules": RULES, "findings": [asdict(one) for one in found]}
    return json.dumps(plain, ensure_ascii=False, indent=1).encode("utf-8", "replace")


def printed_row(session: Session, row_id: str) -> PrintedRow | None:
    """A published row as printed, its average computed anew; None where it is gone.

    Args:
        session: Open.
        row_id: ``reported-...``.
    """
    number = row_id.removeprefix(_PREFIX)
    row = session.get(ReportedRow, int(number)) if number.isdecimal() else None
    if row is None:
        return None
    printed: Mapping[str, Any] = row.printed
    pairs = {**printed.get("sections", {}), AVERAGE: printed.get("average", {})}
    numbers = {name: (str(pair.get("accuracy", "-")), str(pair.get("score", "-"))) for name, pair in pairs.items()}
    return PrintedRow(
        numbers=numbers,
        frames=str(printed.get("frames", "")),
        tokens_per_frame=str(printed.get("tokens_per_frame", "")),
        judge=row.judge,
        mean=(_mean(numbers, 0), _mean(numbers, 1)),
    )


def printed_table(printed: PrintedRow) -> pd.DataFrame:
    """The five sections and the average as printed, and the mean of the sections under them."""
    import pandas as pd

    lines = [(CELL_NAMES[name], *printed.numbers[name]) for name in (*SECTIONS, AVERAGE) if name in printed.numbers]
    if printed.mean[0] is not None or printed.mean[1] is not None:
        accuracy, score = (NO_TEXT if one is None else f"{one:.3f}" for one in printed.mean)
        lines.append(("Mean of the five sections", accuracy, score))
    return pd.DataFrame(lines, columns=list(PRINTED_HEADS))


def _mean(numbers: Mapping[str, tuple[str, str]], place: int) -> float | None:
    values = [parse_number(numbers[section][place]) if section in numbers else None for section in SECTIONS]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(SECTIONS) else None
