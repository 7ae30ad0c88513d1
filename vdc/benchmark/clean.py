"""Clean lists: which questions of a benchmark an audit leaves out, and leaving them out."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final, cast

from vdc.benchmark.model import Benchmark, Question
from vdc.errors import InputError, Problem, unknown_name
from vdc.sections import SECTIONS, Section, find_section
from vdc.textio import excerpt, read_bytes, read_json, show_path

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True)
class CleanList:
    """Questions that an audit leaves out, each with the rule that did so.

    Args:
        version: Version of the rules' choice; two lists of one version over one benchmark are equal.
        files: File name -> SHA-256 of the files the list was made for.
        question_hashes: Section -> :func:`question_hash` of the questions the list was made for.
        rules: Ids of all rules that may remove a question.
        removed: (video_id, section) -> question index -> rule. Indices count from 0 in the row that is scored.
        sha256: Hex digest of the list's file, for the run record; empty for a list that was never written.
    """

    version: str
    files: Mapping[str, str]
    question_hashes: Mapping[Section, str]
    rules: tuple[str, ...]
    removed: Mapping[tuple[str, Section], Mapping[int, str]]
    sha256: str = ""

    @property
    def removed_count(self) -> int:
        """Questions left out, of those that are scored."""
        return sum(len(row) for row in self.removed.values())

    def removed_by_rule(self) -> dict[str, int]:
        """Rule -> questions left out because of it, of those that are scored; most first."""
        counts = Counter(rule for row in self.removed.values() for rule in row.values())
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def question_hash(rows: Mapping[str, tuple[Question, ...]]) -> str:
    """SHA-256 over the questions of one section: ids, positions, questions and gold answers.

    Categories do not count, so that the published files with and without them have one hash.

    Args:
        rows: video_id -> its questions; the order of the videos does not matter.
    """
    digest = hashlib.sha256()
    for video in sorted(rows):
        line = [video, [[question.index, question.question, question.gold] for question in rows[video]]]
        digest.update(json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n")
    return digest.hexdigest()


def question_hashes(benchmark: Benchmark) -> dict[Section, str]:
    """:func:`question_hash` of every section."""
    rows: dict[Section, dict[str, tuple[Question, ...]]] = {}
    for (video, section), questions in benchmark.questions.items():
        rows.setdefault(section, {})[video] = questions
    return {section: question_hash(rows[section]) for section in benchmark.sections}


def load_clean_list(path: str | Path) -> CleanList:
    """Read a clean list written by ``vdc audit --out``.

    Raises:
        InputError: The file cannot be read, is of another schema version, or names unknown sections, rules or
            positions; lists every fault.
    """
    content = read_bytes(path)
    problems: list[Problem] = []
    record = read_json(content, problems, lenient=True)
    if problems:
        raise InputError(problems)
    return parse_clean_list(record, where=show_path(path), sha256=content.sha256)


def parse_clean_list(record: Any, *, where: str = "clean list", sha256: str = "") -> CleanList:
    """A clean list from its JSON value.

    Args:
        record: The value.
        where: Named in messages.
        sha256: Digest of its file.

    Raises:
        InputError: As in :func:`load_clean_list`.
    """
    version = record.get("schema_version") if isinstance(record, dict) else None
    benchmark = record.get("benchmark") if isinstance(record, dict) else None
    if version != SCHEMA_VERSION or not isinstance(benchmark, dict):
        raise InputError(
            Problem(
                f"no clean list of schema_version {SCHEMA_VERSION} (schema_version is {version!r})",
                "a file written by vdc audit BENCHMARK --out FILE",
                "write it again with this release",
                where,
            )
        )
    rules = tuple(rule for rule in _typed(record, "rules", list) if isinstance(rule, str))
    problems: list[Problem] = []
    removed = dict(_removed_rows(_typed(record, "removed_questions", dict), rules, where, problems))
    if problems:
        raise InputError(problems)
    hashes = {find_section(name): str(digest) for name, digest in _typed(benchmark, "questions_sha256", dict).items()}
    return CleanList(
        version=str(record.get("clean_version", "")),
        files={str(name): str(digest) for name, digest in _typed(benchmark, "files", dict).items()},
        question_hashes={section: digest for section, digest in hashes.items() if section is not None},
        rules=rules,
        removed=removed,
        sha256=sha256,
    )


def bundled_clean_list(benchmark: Benchmark) -> Path | None:
    """The clean list that comes with the project for these very questions, or None.

    Args:
        benchmark: Whole, or some of its sections.
    """
    folder = Path(__file__).parent / "clean_lists"
    hashes = question_hashes(benchmark)
    for path in sorted(folder.glob("*.json"), reverse=True):
        known = load_clean_list(path).question_hashes
        if hashes and all(known.get(section) == hashed for section, hashed in hashes.items()):
            return path
    return None


def apply_clean_list(benchmark: Benchmark, clean: CleanList) -> Benchmark:
    """The benchmark without the questions of a clean list. The others keep their position numbers.

    A video of which no question is left in a section is no longer part of that section.

    Args:
        benchmark: Whole, or only some of its sections. A part with fewer videos (``limit``) is recognised by the
            hashes of its files alone.
        clean: A list made for the same questions.

    Raises:
        InputError: The list was made for other questions.
    """
    hashes = question_hashes(benchmark)
    wrong = [
        section
        for section in benchmark.sections
        if clean.question_hashes.get(section) != hashes[section] and not _same_file(benchmark, clean, section)
    ]
    if wrong:
        raise InputError(
            Problem(
                f"a clean list for other questions in {', '.join(wrong)}",
                f"a list made for {benchmark.name}, revision {benchmark.revision}",
                "make one with vdc audit BENCHMARK --out FILE, or score the benchmark it was made for",
            )
        )
    questions = {}
    for key, row in benchmark.questions.items():
        gone = clean.removed.get(key, {})
        kept = tuple(question for question in row if question.index not in gone)
        if kept:
            questions[key] = kept
    return replace(benchmark, questions=questions)


def _same_file(benchmark: Benchmark, clean: CleanList, section: Section) -> bool:
    if benchmark.limit is None:
        return False
    found = _section_file(benchmark.files, section)
    return found is not None and found == _section_file(clean.files, section)


def _section_file(files: Mapping[str, str], section: Section) -> str | None:
    for name, digest in files.items():
        if find_section(PurePosixPath(name).name.partition(".jsonl")[0]) == section:
            return digest
    return None


def _typed(record: Mapping[str, Any], key: str, kind: type) -> Any:
    value = record.get(key)
    return value if isinstance(value, kind) else kind()


def _removed_rows(
    record: Mapping[str, Any], rules: tuple[str, ...], where: str, problems: list[Problem]
) -> Iterator[tuple[tuple[str, Section], dict[int, str]]]:
    for name, videos in record.items():
        section = find_section(name)
        if section is None:
            problems.append(unknown_name("section", name, SECTIONS, where))
            continue
        for video, row in videos.items() if isinstance(videos, dict) else [("", videos)]:
            faults = [
                pair
                for pair in (row.items() if isinstance(row, dict) else [(row, None)])
                if not (isinstance(pair[0], str) and pair[0].isdecimal() and pair[0].isascii() and pair[1] in rules)
            ]
            if faults:
                problems.append(
                    Problem(
                        f"{section} {excerpt(video)}: {excerpt(faults[0])}",
                        'positions with one of the list\'s rules, as in {"3": "non_answer"}',
                        "write the list again with vdc audit",
                        where,
                    )
                )
            else:
                yield (video, section), {int(index): cast("str", rule) for index, rule in row.items()}
