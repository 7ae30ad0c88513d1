"""WebVid's tables of captions to conversations of one turn.

Source: LLaMA-VID's ``convert_webvid_to_llava`` (columns, fields, order of instruction and mark). Differences: the
instructions are in this project's own words, and which one a row gets depends on its id and a seed, not on its place.
"""

from __future__ import annotations

import csv
import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from builders.trainset.llava import Row, dropped, find_video, holds_mark, is_clean_text, is_safe, key_of
from vdc.errors import InputError, Problem
from vdc.fileio import show_path

COLUMNS: Final = ("videoid", "name", "page_dir")
INSTRUCTIONS: Final = "instructions-1"
MAX_FIELD: Final = 131_072


def find_tables(sources: Sequence[Path]) -> list[Path]:
    """CSV files, in the order given; a folder stands for those in it, by name.

    Raises:
        InputError: A path that is neither, or a folder without any.
    """
    found: list[Path] = []
    problems: list[Problem] = []
    for source in sources:
        here = sorted(source.glob("*.csv")) if source.is_dir() else [source] if source.is_file() else []
        if not here:
            problems.append(
                Problem("no table", "a CSV file or a folder with some", "check the path", show_path(source))
            )
        found += here
    if problems:
        raise InputError(problems)
    return found


def webvid_rows(tables: Sequence[Path], videos: Path, *, prefix: str = "", seed: int = 0) -> Iterator[Row]:
    """Every line of the tables as a conversation, or why not.

    Args:
        tables: CSV files with at least :data:`COLUMNS`.
        videos: Folder with ``<page_dir>/<videoid>.mp4``.
        prefix: Put in front of the path in the item.
        seed: Decides which instruction a row gets.

    Raises:
        InputError: From the iterator: a table without these columns.
    """
    folder = videos.resolve()
    csv.field_size_limit(MAX_FIELD)
    for table in tables:
        # surrogateescape: one bad byte costs its row and not the table
        with table.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.reader(file)
            places = _places(next(reader, []), table)
            while True:
                try:
                    cells = next(reader, None)
                except csv.Error as error:
                    yield dropped(f"{table.name}:{reader.line_num}", "not_an_object", str(error))
                    continue
                if cells is None:
                    break
                if cells:
                    yield _row(f"{table.name}:{reader.line_num}", cells, places, folder, prefix, seed)


@cache
def instructions() -> tuple[str, ...]:
    """Ways to ask for a short description."""
    text = files("builders.trainset").joinpath(f"{INSTRUCTIONS}.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["short_description"])


def _places(head: Sequence[str], table: Path) -> tuple[int, dict[str, int]]:
    missing = [name for name in COLUMNS if name not in head]
    if missing:
        found = f"the columns {', '.join(head) or 'none'}"
        expected = f"{', '.join(COLUMNS)} among them"
        raise InputError(Problem(found[:200], expected, "give WebVid's tables of results", show_path(table)))
    return len(head), {name: list(head).index(name) for name in COLUMNS}


def _row(
    where: str, cells: Sequence[str], places: tuple[int, dict[str, int]], folder: Path, prefix: str, seed: int
) -> Row:
    width, columns = places
    if len(cells) != width:
        return dropped(where, "not_an_object", f"{len(cells)} cells for {width} columns")
    identity, caption, page = (cells[columns[name]] for name in COLUMNS)
    for name, text in (("videoid", identity), ("name", caption), ("page_dir", page)):
        if not is_clean_text(text):
            return dropped(where, "not_utf8", name)
        if not text.strip():
            return dropped(where, "missing_field", name)
    if holds_mark(caption):
        return dropped(where, "mark_in_text", caption)
    path = f"{page}/{identity}.mp4"
    if not is_safe(path):
        return dropped(where, "unsafe_path", path)
    if reason := find_video(folder, path):
        return dropped(where, reason, path)
    choices = instructions()
    drawn = int.from_bytes(hashlib.blake2b(f"{seed}/{identity}".encode(), digest_size=8).digest(), "little")
    turns = [
        {"from": "human", "value": f"{choices[drawn % len(choices)]}\n<image>"},
        {"from": "gpt", "value": caption},
    ]
    return Row(where, {"id": identity, "video": prefix + path, "conversations": turns}, key_of(prefix + path))
