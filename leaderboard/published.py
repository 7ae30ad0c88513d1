"""Published numbers as files: the set the project carries, another of the same form, or the official site's own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any, Final

from leaderboard.names import MAX_NAME, check_name, check_text, check_url
from vdc.errors import InputError, Problem, unknown_name
from vdc.fileio import read_bytes
from vdc.sections import SECTIONS, Section, find_section

SCHEMA_VERSION: Final = 1
MAX_BYTES: Final = 16 << 20
KINDS: Final = ("board", "table", "paper", "rerun", "figure")
MOST: Final[Mapping[str, int]] = {"accuracy": 100, "score": 5}
MAX_COUNT: Final = 2**31 - 1
MAX_WORD: Final = 60
# A comma only between thousands: 41,50 is a decimal comma and no number here.
_NUMBER = re.compile(r"([0-9]+|[1-9][0-9]{0,2}(,[0-9]{3})+)(\.[0-9]*)?")
_LIKE_A_NUMBER = re.compile(r"[-+]?[0-9.,]*[0-9][0-9.,]*(e[-+]?[0-9]+)?", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}")
_COUNTS: Final = ("frames", "tokens_per_frame", "visual_tokens")
_SOURCE_KEYS: Final = ("id", "name", "url", "date", "judge", "kind", "note")
_ROW_KEYS: Final = ("source", "model", "setting", *_COUNTS, "average", "sections")
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
    """The number a printed value stands for.

    ``1,924`` and ``64.`` are numbers; ``-``, ``unk.`` and ``41,50`` with its decimal comma are none.
    """
    word = text.strip()
    return float(word.replace(",", "")) if _NUMBER.fullmatch(word) else None


def read_published(path: Path | None = None) -> Published:
    """Published rows from a file; None reads the set that the project carries.

    Raises:
        InputError: No such file, or neither of the two known forms; lists all faults of its sources and rows.
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
    lists: dict[str, list[Any]] = {}
    for name in ("sources", "rows", "aliases"):
        value = document.get(name, [] if name == "aliases" else None)
        lists[name] = value if isinstance(value, list) else []
        if not isinstance(value, list):
            problems.append(Problem(f"published rows without a list of {name}", "the known form", do_next, where))
    if problems:
        raise InputError(problems)
    sources: dict[str, Source] = {}
    for number, entry in enumerate(lists["sources"], 1):
        source, faults = _read_source(entry, number, where)
        if source.id in sources:
            found, expected = f"the source {source.id!r} twice", "each source once"
            faults.append(Problem(found, expected, "leave one out, or give it another id", f"{where}: source {number}"))
        sources.setdefault(source.id, source)
        problems += faults
    rows: list[PublishedRow] = []
    places: dict[tuple[str, str, str], int] = {}
    for number, entry in enumerate(lists["rows"], 1):
        place = f"{where}: row {number}"
        row, faults = _read_row(entry, sources, place)
        problems += faults
        if row is None:
            continue
        first = places.setdefault((row.source, row.model, row.setting), number)
        if first != number:
            found = f"source {row.source!r}, model {row.model!r}, setting {row.setting!r} again, as in row {first}"
            problems.append(
                Problem(found, "each row once", "leave one out, or tell them apart by their setting", place)
            )
        rows.append(row)
    aliases = []
    for number, entry in enumerate(lists["aliases"], 1):
        match entry:
            case {"names": [str(one), str(other)], "how_sure": str(how_sure)}:
                aliases.append((one, other, how_sure))
            case _:
                expected = 'names, a list of two texts, and how_sure, a text: "surely one model"'
                problems.append(Problem("an alias of another form", expected, do_next, f"{where}: alias {number}"))
    if problems:
        raise InputError(problems)
    return Published(sources, tuple(rows), tuple(aliases))


def _read_source(entry: Any, number: int, where: str) -> tuple[Source, list[Problem]]:
    """The source, to be used only where nothing is wrong with it, and what is wrong with it."""
    known_id = entry.get("id") if isinstance(entry, dict) else None
    place = f"{where}: source {known_id!r}" if isinstance(known_id, str) else f"{where}: source {number}"
    problems = _wrong_keys(entry, _SOURCE_KEYS, _SOURCE_KEYS[:-1], "source", place)
    if not isinstance(entry, dict):
        return Source(f"source {number}", "", None, None, "", ""), problems
    texts: dict[str, str] = {"id": f"source {number}", **dict.fromkeys(("name", "judge", "kind", "note"), "")}
    for key in texts:
        if key in entry and not isinstance(entry[key], str):
            problems.append(Problem(f"{key} = {_shown(entry[key])}", "text", "put it between quotation marks", place))
        elif key in entry:
            texts[key] = _checked(entry[key], key, place, problems)
    if isinstance(entry.get("kind"), str) and entry["kind"] not in KINDS:
        problems.append(unknown_name("kind", entry["kind"], KINDS, place))
    when, url = entry.get("date"), entry.get("url")
    if when is not None and not _is_date(when):
        expected = "YYYY, YYYY-MM, YYYY-MM-DD, or null where it is not known"
        problems.append(Problem(f"date = {_shown(when)}", expected, 'write it like "2025-07"', place))
    if url is not None and not isinstance(url, str):
        problems.append(Problem(f"url = {_shown(url)}", "https://..., or null", "correct it, or write null", place))
    elif url:
        try:
            url = check_url(url, "url")
        except InputError as error:
            problems += _placed(error, place)
    return Source(url=url or None, date=when, **texts), problems


def _read_row(entry: Any, sources: Mapping[str, Source], place: str) -> tuple[PublishedRow | None, list[Problem]]:
    """The row, None where its name cannot be told, and what is wrong with it."""
    problems = _wrong_keys(entry, _ROW_KEYS, ("source", "model"), "row", place)
    if not isinstance(entry, dict):
        return None, problems
    texts: dict[str, str] = {}
    for key in ("source", "model", "setting", *_COUNTS):
        if key not in entry:
            continue
        if not isinstance(entry[key], str):
            problems.append(_not_as_printed(key, entry[key], place))
        else:
            texts[key] = _checked(entry[key], key, place, problems)
    if "source" in texts and texts["source"] not in sources:
        problems.append(unknown_name("source", texts["source"], sources, place))
    problems += [problem for key in _COUNTS if (problem := _wrong_count(key, texts.get(key, "-"), place))]
    average = _read_pair("average", entry.get("average", []), place, problems)
    pairs: dict[Section, Numbers] = {}
    named = entry.get("sections", {})
    if not isinstance(named, dict):
        expected = "an object of sections, each with accuracy and score"
        problems.append(Problem(f"sections = {_shown(named)}", expected, "correct the row", place))
        named = {}
    for name, value in named.items():
        section = find_section(name)
        if section is None:
            problems.append(unknown_name("section", name, SECTIONS, place))
        elif section in pairs:
            problems.append(Problem(f"the section {section} twice", "each section once", "leave one out", place))
        pair = _read_pair(name, value, place, problems)
        if section is not None:
            pairs.setdefault(section, pair)
    if "source" not in texts or "model" not in texts:
        return None, problems
    row = PublishedRow(
        source=texts["source"],
        model=texts["model"],
        setting=texts.get("setting", ""),
        frames=texts.get("frames", ""),
        tokens_per_frame=texts.get("tokens_per_frame", ""),
        visual_tokens=texts.get("visual_tokens", ""),
        average=average,
        sections=pairs,
    )
    return row, problems


def _read_pair(name: str, value: Any, place: str, problems: list[Problem]) -> Numbers:
    if not isinstance(value, list) or len(value) > 2:
        expected = 'accuracy and score: ["38.20", "2.01"]'
        problems.append(Problem(f"{name} = {_shown(value)}", expected, "write the two values as a list", place))
        return Numbers()
    for part, text in zip(MOST, value, strict=False):
        if not isinstance(text, str):
            problems.append(_not_as_printed(f"{name}, {part}", text, place))
        elif text.strip() != "-":
            number = parse_number(text)
            if number is None or number > MOST[part]:
                problems.append(_wrong_value(name, part, text, place))
    return Numbers(*value) if all(isinstance(text, str) for text in value) else Numbers()


def _wrong_value(name: str, part: str, text: str, place: str) -> Problem:
    what = f"a number from 0 to {MOST[part]}{' percent' if part == 'accuracy' else ''}, or -"
    do_next = "write a decimal point, not a comma" if "," in text else "correct it, or write - where nothing is printed"
    return Problem(f"{name}, {part} = {_shown(text)}", what, do_next, place)


def _wrong_count(key: str, text: str, place: str) -> Problem | None:
    """Marks such as ``unk.`` are for the audit to find; what looks like a number must be one."""
    number = parse_number(text)
    if number is None and not _LIKE_A_NUMBER.fullmatch(text):
        return None
    if number is not None and number <= MAX_COUNT:
        return None
    expected = f"a number from 0 to {MAX_COUNT:,}, or a mark such as -"
    return Problem(f"{key} = {_shown(text)}", expected, 'correct it: "32" or "1,924"', place)


def _not_as_printed(name: str, value: object, place: str) -> Problem:
    """A number in place of text has lost how it was printed, and with it what the audit looks for."""
    return Problem(f"{name} = {_shown(value)}", 'text, as printed: "38.20"', "put it between quotation marks", place)


def _wrong_keys(entry: Any, known: Sequence[str], needed: Sequence[str], what: str, place: str) -> list[Problem]:
    if not isinstance(entry, dict):
        return [Problem(_shown(entry), f"a {what}: an object with {', '.join(known)}", "correct it", place)]
    problems = [unknown_name("key", key, known, place) for key in entry if key not in known]
    expected = f"a {what} with {', '.join(needed)}"
    problems += [Problem(f"no {key}", expected, f"add {key}", place) for key in needed if key not in entry]
    return problems


def _checked(text: str, key: str, place: str, problems: list[Problem]) -> str:
    """The text as it is kept; what cannot be kept is told."""
    try:
        if key == "note":
            return check_text(text, key)
        if text or key in ("id", "name", "judge", "source", "model"):
            return check_name(text, key, most=MAX_NAME if key in ("name", "judge", "model") else MAX_WORD)
    except InputError as error:
        problems += _placed(error, place)
    return text


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def _placed(error: InputError, place: str) -> list[Problem]:
    return [replace(problem, where=place) for problem in error.problems]


def _is_date(text: object) -> bool:
    """Whether it is a year, a month or a day, as precise as known."""
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text + "2000-01-01"[len(text) :])
    except ValueError:
        return False
    return True


def _read_site(rows: list[Any], where: str) -> Published:
    """The official site's list, with its mixture of numbers and text."""
    problems, found = [], []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("model"), str) or "avg_acc" not in row:
            expected = "model, frames, tpf, avg_acc, avg_score, and _acc and _score of five sections"
            problems.append(Problem("another kind of row", expected, "give the site's file", f"{where}: row {number}"))
            continue
        measured = [key for key in row if key.endswith(("_acc", "_score"))]
        problems += [
            _wrong_value(key, part, str(row[key]), f"{where}: row {number}")
            for key in measured
            for part in [("accuracy" if key.endswith("_acc") else "score")]
            if (parse_number(str(row[key])) or 0) > MOST[part]
        ]
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
