"""The judge that replays the verdicts of an earlier run: same replies, read again by today's parser and protocols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scoring.types import JudgeReply, JudgeRequest
from vdc.errors import InputError, Problem
from vdc.records import RECORD, read_record

_COLUMNS = ("video_id", "section", "question_index", "question", "gold", "answer", "raw", "raw_retry")


@dataclass(frozen=True, slots=True)
class _Row:
    question: str
    gold: str
    answer: str | None
    raw: str | None
    raw_retry: str | None


class RecordedJudge:
    """Replays a verdict file.

    Args:
        path: A run folder or its ``verdicts.parquet``.

    Attributes:
        prompts: The prompts the verdicts were given with, None when not known.
        predictions: Name and hash of the captions they were given about, empty when not known.

    Raises:
        InputError: No such file, or not a verdict table.
    """

    kind: Final = "recorded"

    def __init__(self, path: str | Path) -> None:
        given = Path(path)
        self._path = given / "verdicts.parquet" if given.is_dir() else given
        self._rows = _read_rows(self._path)
        record = _record(self._path.parent / RECORD)
        self._origin: Mapping[str, Any] = record.get("judge") or {}
        self.prompts: dict[str, Any] | None = record.get("prompts")
        self.predictions: Mapping[str, Any] = record.get("predictions") or {}

    @property
    def comparable(self) -> bool:
        """As the judge whose verdicts are replayed; False when that is not known."""
        return bool(self._origin.get("comparable", False))

    def describe(self) -> dict[str, Any]:
        """The judge that first gave the verdicts, marked as replayed."""
        return {
            "kind": self.kind,
            "model": self._origin.get("model"),
            "comparable": self.comparable,
            "recorded_from": dict(self._origin),
        }

    def judge(self, requests: Iterable[JudgeRequest]) -> Iterator[JudgeReply]:
        """One reply per request, in order; a question the file does not hold is a failed reply."""
        for request in requests:
            question = request.question
            row = self._rows.get((question.video_id, question.section, question.index))
            if row is None:
                yield JudgeReply(request, error="the verdict file has no such question")
            elif (row.question, row.gold) != (question.question, question.gold):
                yield JudgeReply(request, error="the verdict file has another question at this place")
            elif row.raw is None:
                yield JudgeReply(request, error="the verdict file has no judge text for this question")
            else:
                yield JudgeReply(request, answer=row.answer, raw=row.raw, raw_retry=row.raw_retry)


def _read_rows(path: Path) -> dict[tuple[str, str, int], _Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    do_next = "give a run folder or its verdicts.parquet"
    try:
        table = pq.read_table(path, columns=list(_COLUMNS)).to_pydict()
    except FileNotFoundError as error:
        raise InputError(Problem("no such file", "a verdict table", do_next, str(path))) from error
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(Problem(f"no verdict table ({reason})", "a verdict table", do_next, str(path))) from error
    if missing := [name for name in _COLUMNS if name not in table]:
        found = f"a table without {', '.join(missing)}"
        raise InputError(Problem(found, "a verdict table", do_next, str(path)))
    keys = zip(table["video_id"], table["section"], table["question_index"], strict=True)
    values = zip(*(table[name] for name in _COLUMNS[3:]), strict=True)
    return {key: _Row(*value) for key, value in zip(keys, values, strict=True)}


def _record(path: Path) -> dict[str, Any]:
    # A bare parquet file has no record beside it; then nothing is known of the judge, and nothing is claimed.
    if not path.is_file():
        return {}
    return read_record(path.parent)
