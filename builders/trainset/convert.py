"""From rows of a source to one list on disk, with a count for everything and a reason for every row left out."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from builders.trainset.json_list import JsonListWriter, iter_json_list
from builders.trainset.llava import Row, dropped, is_clean_text, key_of
from vdc.errors import InputError, Problem, RunFailed
from vdc.fileio import show_path, write_atomic

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is made of what; the same conversion is not made twice.

    Args:
        kind: Name of the source.
        inputs: Its files.
        base: List whose items come first; None begins an empty list.
        options: Everything else that decides the result, plain JSON.
        keep_duplicates: Rows that are the same as an earlier one stay, counted.
    """

    kind: str
    inputs: Sequence[Path]
    base: Path | None = None
    options: Mapping[str, Any] | None = None
    keep_duplicates: bool = False

    def plan(self) -> dict[str, Any]:
        """The conversion with the hashes of its files; reads them once."""
        return {
            "kind": self.kind,
            "inputs": [_file_facts(path) for path in self.inputs],
            "base": None if self.base is None else _file_facts(self.base),
            "options": {**(self.options or {}), "keep_duplicates": self.keep_duplicates},
        }


def convert(conversion: Conversion, rows: Iterable[Row], out: Path, *, overwrite: bool = False) -> dict[str, Any]:
    """Write ``out``, ``out.dropped.jsonl`` and ``out.report.json``.

    The list appears when it is whole; stopped before, nothing is there and the same call begins again. Called again
    after it was made, it checks that the file is still the one and makes nothing.

    Args:
        conversion: What is made of what.
        rows: Of the source, read as they are written.
        out: The list.
        overwrite: Replace another list that lies there.

    Returns:
        The report; ``made`` is false where it was there before.

    Raises:
        InputError: Another list lies there, or a file is no such source; nothing was written.
        RunFailed: Not one row could be used; the reasons stand in ``out.dropped.jsonl``.
    """
    _check_place(conversion, out)
    plan = conversion.plan()
    report_path, dropped_path = Path(f"{out}.report.json"), Path(f"{out}.dropped.jsonl")
    if out.exists() and not overwrite:
        earlier = _earlier(report_path)
        if earlier.get("plan") == plan and earlier.get("sha256") == _sha256(out):
            return {**earlier, "made": False}
        found = "a file that this conversion did not make"
        raise InputError(Problem(found, "a name that is free", "give another OUT, or --overwrite", show_path(out)))
    book = _Book(conversion.keep_duplicates)
    part = dropped_path.with_name(f".{dropped_path.name}.{os.getpid()}.part")
    try:
        written = _write(conversion, rows, out, part, book)
    except _NothingKeptError:
        part.replace(dropped_path)
        common = ", ".join(f"{reason} {count:,}" for reason, count in book.reasons.most_common(3)) or "no rows"
        raise RunFailed(
            f"found no usable row among {book.counts['rows']:,} ({common}); expected one or more; do next: look into "
            f"{show_path(dropped_path)}"
        ) from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    part.replace(dropped_path)
    report = {
        "schema_version": SCHEMA_VERSION,
        "plan": plan,
        "items": written.items,
        **book.counts,
        "reasons": dict(sorted(book.reasons.items())),
        "notes": dict(sorted(book.notes.items())),
        "sha256": written.sha256,
    }
    write_atomic(report_path, json.dumps(report, indent=2) + "\n")
    return {**report, "made": True}


def _write(conversion: Conversion, rows: Iterable[Row], out: Path, part: Path, book: _Book) -> JsonListWriter:
    """The list, and into ``part`` what is left out; nothing new in it is no list."""
    with JsonListWriter(out) as writer, part.open("w", encoding="ascii", newline="\n") as told:
        for item in book.kept_of_base(_base_rows(conversion.base, conversion.kind), told):
            writer.add(item)
        for item in book.kept(rows, told):
            writer.add(item)
        if not book.counts["rows_kept"]:
            raise _NothingKeptError
    return writer


class _NothingKeptError(Exception):
    """Ends the writing of a list that would have nothing new in it."""


class _Book:
    """Counts every row once: kept, or left out for a reason."""

    def __init__(self, keep_duplicates: bool) -> None:
        self._keep_duplicates = keep_duplicates
        self._seen: set[bytes] = set()
        names = ("base_rows", "base_kept", "rows", "rows_kept", "rows_dropped", "duplicates")
        self.counts: dict[str, int] = dict.fromkeys(names, 0)
        self.reasons: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()

    def kept_of_base(self, rows: Iterable[Row], told: TextIO) -> Iterator[dict[str, Any]]:
        """Items of the list that comes first. What is the same twice there is its maker's business and stays."""
        for row in rows:
            self.counts["base_rows"] += 1
            if row.item is None:
                self.reasons[f"base: {row.reason}"] += 1
                _tell(row, told)
                continue
            self.counts["base_kept"] += 1
            self._seen.add(row.key)
            yield row.item

    def kept(self, rows: Iterable[Row], told: TextIO) -> Iterator[dict[str, Any]]:
        """Items of the source."""
        for row in rows:
            self.counts["rows"] += 1
            if row.item is not None and row.key in self._seen:
                self.counts["duplicates"] += 1
                if not self._keep_duplicates:
                    row = dropped(row.where, "duplicate", str(row.item["video"]))
            if row.item is None:
                self.counts["rows_dropped"] += 1
                self.reasons[row.reason] += 1
                _tell(row, told)
                continue
            self._seen.add(row.key)
            self.counts["rows_kept"] += 1
            if row.note:
                self.notes[row.note] += 1
            yield row.item


def _base_rows(base: Path | None, kind: str) -> Iterator[Row]:
    """The list that comes first: items are copied as they are, if they are conversations at all."""
    if base is None:
        return
    for number, item in iter_json_list(base):
        where = f"{base.name}[{number}]"
        turns = item.get("conversations") if isinstance(item, dict) else None
        if not isinstance(item, dict):
            yield dropped(where, "not_an_object", item)
        elif not isinstance(turns, list) or not turns or not all(_is_turn(turn) for turn in turns):
            yield dropped(where, "bad_conversation", "turns that are no {from, value}")
        else:
            path = item.get("video")
            yield Row(where, item, key_of(path) if kind == "webvid" and path else key_of(path, turns))


def _is_turn(turn: Any) -> bool:
    values = [turn.get(name) for name in ("from", "value")] if isinstance(turn, dict) else [None]
    return all(isinstance(value, str) and is_clean_text(value) for value in values)


def _tell(row: Row, told: TextIO) -> None:
    told.write(json.dumps({"where": row.where, "reason": row.reason, "found": row.found}) + "\n")


def _check_place(conversion: Conversion, out: Path) -> None:
    sources = [*conversion.inputs, *([conversion.base] if conversion.base else [])]
    problems = [
        Problem("no file", "a file", "check the path", show_path(path)) for path in sources if not path.is_file()
    ]
    if out.is_dir():
        problems.append(Problem("a folder", "the name of a file", "give OUT a name ending in .json", show_path(out)))
    if any(path.exists() and out.exists() and path.samefile(out) for path in sources):
        problems.append(Problem("OUT that is also a source", "a file of its own", "give another OUT", show_path(out)))
    if problems:
        raise InputError(problems)


def _file_facts(path: Path) -> dict[str, Any]:
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _earlier(path: Path) -> dict[str, Any]:
    """The report beside a list; empty where there is none that can be read."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}
