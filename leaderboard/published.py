"""Published numbers as files: the set the project carries, another of the same form, or the official site's own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

from leaderboard.names import check_name
from vdc.errors import InputError, Problem
from vdc.fileio import read_bytes
from vdc.sections import SECTIONS, Section, find_section

SCHEMA_VERSION: Final = 1
MAX_BYTES: Final = 16 << 20
_NUMBER = re.compile(r"\d[\d,]*\.?\d*")
_SITE_SECTIONS: Final[dict[Section, str]] = {
    "short": "short",
    "background": "background",
    "main_object": "object",
    "camera": "camera",
    "detailed": "detailed",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where numbers were published.

    Args:
        id: Short name.
        name: For people.
        url: Address, None where there is none to give.
        date: As precise as known: ``2025``, ``2025-07`` or ``2025-07-03``; None when not known.
        judge: As the source states it.
        kind: ``board``, ``table``, ``paper``, ``rerun`` or ``figure``.
        note: What a reader should know.
    """

    id: str
    name: str
    url: str | None
    date: str | None
    judge: str
    kind: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A pair as printed: accuracy in percent, score from 0 to 5; ``-`` stands for nothing."""

    accuracy: str = "-"
    score: str = "-"


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One published row, every value as printed.

    Args:
        source: Id of its source.
        model: Name as printed.
        setting: Tells apart rows of one model in one source.
        frames: Frames per video.
        tokens_per_frame: Visual tokens per frame.
        visual_tokens: Visual tokens in total.
        average: The average that was printed; empty pair where none was.
        sections: Section -> pair.
        wrong_types: Fields that were text where the file has numbers elsewhere.
    """

    source: str
    model: str
    setting: str = ""
    frames: str = ""
    tokens_per_frame: str = ""
    visual_tokens: str = ""
    average: Numbers = Numbers()
    sections: Mapping[Section, Numbers] = field(default_factory=dict)
    wrong_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """A set of published rows.

    Args:
        sources: By id.
        rows: In the order of the file.
        aliases: (one name, other name, how sure).
    """

    sources: Mapping[str, Source]
    rows: tuple[PublishedRow, ...]
    aliases: tuple[tuple[str, str, str], ...] = ()


def parse_number(text: str) -> float | None:
    """The number a printed value stands for: ``1,924`` and ``64.`` are numbers, ``-`` and ``unk.`` are none."""
    word = text.strip()
    return float(word.replace(",", "")) if _NUMBER.fullmatch(word) else None


def read_published(path: Path | None = None) -> Published:
    """Published rows from a file; None reads the set that the project carries.

    Raises:
        InputError: No such file, or neither of the two known forms; lists all faults of its rows.
    """
    if path is None:
        text = resources.files("leaderboard").joinpath("data/published.json").read_text(encoding="utf-8")
        where = "published.json"
    else:
        content = read_bytes(path, max_bytes=MAX_BYTES)
        text, where = content.data.decode("utf-8", "replace"), content.path
    do_next = "give a file like leaderboard/data/published.json, or the official site's list of rows"
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(Problem(f"no JSON ({error})", "published rows", do_next, where)) from error
    if isinstance(document, list):
        return _read_site(document, where)
    if not isinstance(document, dict) or document.get("schema_version") != SCHEMA_VERSION:
        raise InputError(Problem("JSON of another form", "published rows", do_next, where))
    return _read_own(document, where, do_next)


def _read_own(document: Mapping[str, Any], where: str, do_next: str) -> Published:
    problems: list[Problem] = []
    try:
        sources = {item["id"]: Source(**item) for item in document["sources"]}
        aliases = tuple((item["names"][0], item["names"][1], item["how_sure"]) for item in document.get("aliases", []))
        entries = list(document["rows"])
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(Problem(f"published rows without {error}", "the known form", do_next, where)) from error
    rows = []
    for number, entry in enumerate(entries, 1):
        place = f"{where}: row {number}"
        try:
            sections = {name: Numbers(*pair) for name, pair in entry.get("sections", {}).items()}
            row = PublishedRow(
                source=entry["source"],
                model=check_name(entry["model"], "model name"),
                average=Numbers(*entry.get("average", ())),
                sections={section: sections[name] for name in sections if (section := find_section(name))},
                **{
                    key: entry[key]
                    for key in ("setting", "frames", "tokens_per_frame", "visual_tokens")
                    if key in entry
                },
            )
            problems += _not_as_printed(row, place)
            unknown = [name for name in sections if find_section(name) is None]
            if row.source not in sources or unknown:
                found = f"source {row.source!r}, sections {', '.join(sections)}"
                problems.append(Problem(found, f"one of {', '.join(sources)}; {', '.join(SECTIONS)}", do_next, place))
            rows.append(row)
        except (KeyError, TypeError, AttributeError) as error:
            problems.append(Problem(f"a row that cannot be read ({error})", "the known form", do_next, place))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return Published(sources, tuple(rows), aliases)


def _not_as_printed(row: PublishedRow, place: str) -> list[Problem]:
    """A number in place of text has lost how it was printed, and with it what the audit looks for."""
    pairs = [("average", row.average), *row.sections.items()]
    values = {name: getattr(row, name) for name in ("setting", "frames", "tokens_per_frame", "visual_tokens")}
    values |= {f"{name}, {part}": getattr(pair, part) for name, pair in pairs for part in ("accuracy", "score")}
    return [
        Problem(f"{name} = {value!r}", 'text, as printed: "38.20"', "put it between quotation marks", place)
        for name, value in values.items()
        if not isinstance(value, str)
    ]


def _read_site(rows: list[Any], where: str) -> Published:
    """The official site's list, with its mixture of numbers and text."""
    problems, found = [], []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("model"), str) or "avg_acc" not in row:
            expected = "model, frames, tpf, avg_acc, avg_score, and _acc and _score of five sections"
            problems.append(Problem("another kind of row", expected, "give the site's file", f"{where}: row {number}"))
            continue
        measured = [key for key in row if key.endswith(("_acc", "_score"))]
        found.append(
            PublishedRow(
                source="site",
                model=check_name(row["model"], "model name"),
                frames=str(row.get("frames", "")),
                tokens_per_frame=str(row.get("tpf", "")),
                average=Numbers(str(row["avg_acc"]), str(row.get("avg_score", "-"))),
                sections={
                    section: Numbers(str(row.get(f"{word}_acc", "-")), str(row.get(f"{word}_score", "-")))
                    for section, word in _SITE_SECTIONS.items()
                },
                wrong_types=tuple(key for key in measured if isinstance(row[key], str) and parse_number(row[key])),
            )
        )
    if problems:
        raise InputError(problems)
    own = read_published()
    return Published({"site": own.sources["site"]}, tuple(found), own.aliases)
