"""Every question with what became of it: the one table that all rules read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from scoring.types import Verdict, VerdictStatus
from scoring.video_qa.judges import QaJudge, QaReply, QaRequest, make_harmless, read_reply
from scoring.video_qa.rows import QaRow
from scoring.video_qa.tasks import Task

if TYPE_CHECKING:
    import pandas as pd

VERDICTS: Final = "verdicts.parquet"


@dataclass(frozen=True, slots=True)
class QaVerdict:
    """What became of one question on one task.

    Args:
        task: Name of the task.
        row: The question and its answers.
        status: ``judged``, ``unparsed``, ``failed``, ``missing`` (no answer in the file) or ``empty`` (a blank one; no
            judge was asked).
        match: Right or not; None where the task has no such thing or nothing was judged.
        score: 0 to 5.
        reply: What the judge said; None where it was not asked.
        changed: The answer had to be made harmless or cut.
    """

    task: str
    row: QaRow
    status: VerdictStatus
    match: bool | None = None
    score: float | None = None
    reply: QaReply | None = None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class ReadyRow:
    """A question with its answers as a judge sees them.

    Args:
        row: As the files say.
        answers: Harmless and cut; None where there is nothing to judge.
        changed: Something had to be made harmless or cut.
    """

    row: QaRow
    answers: tuple[str, ...] | None
    changed: bool = False


def make_ready(row: QaRow) -> ReadyRow:
    """A row for the judge. One blank answer of two is judged together with the other."""
    if row.answers is None:
        return ReadyRow(row, None)
    answers, changed = make_harmless(row.answers)
    return ReadyRow(row, answers if any(answer.strip() for answer in answers) else None, changed)


def requests_for(rows: Iterable[ReadyRow], tasks: Sequence[Task]) -> Iterator[QaRequest]:
    """What a judge is asked: every answer that is not blank, on every task."""
    for ready in rows:
        if ready.answers is not None:
            for task in tasks:
                yield QaRequest(task, ready.row, ready.answers)


def judge_rows(rows: Sequence[ReadyRow], tasks: Sequence[Task], judge: QaJudge) -> list[QaVerdict]:
    """Ask the judge and read its replies.

    Args:
        rows: Questions with answers; their order is the table's.
        tasks: Each is asked about every row.
        judge: Replies in the order of the requests.

    Returns:
        ``len(rows) * len(tasks)`` verdicts, row by row.
    """
    replies = judge.judge(requests_for(rows, tasks))
    verdicts: list[QaVerdict] = []
    for ready in rows:
        for task in tasks:
            if ready.answers is not None:
                verdicts.append(_verdict(task, ready, next(replies)))
            else:
                status: VerdictStatus = "missing" if ready.row.answers is None else "empty"
                verdicts.append(QaVerdict(task.name, ready.row, status, changed=ready.changed))
    return verdicts


def _verdict(task: Task, ready: ReadyRow, reply: QaReply) -> QaVerdict:
    row = ready.row
    if reply.request.row != row or reply.request.task != task:
        raise RuntimeError(f"the judge replied out of order: asked about {row.key}, got {reply.request.row.key}")
    if reply.error or reply.raw is None:
        return QaVerdict(task.name, row, "failed", reply=reply, changed=ready.changed)
    for text in (reply.raw, reply.raw_retry):
        read = None if text is None else read_reply(task, text)
        if isinstance(read, Verdict):
            return QaVerdict(task.name, row, "judged", read.match, read.score, reply, ready.changed)
        if isinstance(read, float):
            return QaVerdict(task.name, row, "judged", None, read, reply, ready.changed)
    return QaVerdict(task.name, row, "unparsed", reply=reply, changed=ready.changed)


def to_frame(verdicts: Sequence[QaVerdict]) -> pd.DataFrame:
    """One row per question and task."""
    import pandas as pd

    text: Any = pd.StringDtype("pyarrow")
    replies = [verdict.reply for verdict in verdicts]
    columns: dict[str, tuple[Any, list[Any]]] = {
        "task": (text, [one.task for one in verdicts]),
        "id": (text, [one.row.id for one in verdicts]),
        "occurrence": ("int64", [one.row.occurrence for one in verdicts]),
        "video_id": (text, [one.row.video_id for one in verdicts]),
        "question": (text, [one.row.questions[0] for one in verdicts]),
        "question_2": (text, [_second(one.row.questions) for one in verdicts]),
        "gold": (text, [one.row.gold for one in verdicts]),
        "answer": (text, [one.row.answers[0] if one.row.answers else None for one in verdicts]),
        "answer_2": (text, [_second(one.row.answers or ()) for one in verdicts]),
        "status": (text, [one.status for one in verdicts]),
        "match": ("boolean", [one.match for one in verdicts]),
        "score": ("Float64", [one.score for one in verdicts]),
        "raw": (text, [reply.raw if reply else None for reply in replies]),
        "raw_retry": (text, [reply.raw_retry if reply else None for reply in replies]),
        "error": (text, [reply.error if reply else "" for reply in replies]),
        "key": (text, [reply.key if reply else None for reply in replies]),
        "retry_key": (text, [reply.retry_key if reply else None for reply in replies]),
    }
    return pd.DataFrame({name: pd.array(values, dtype=kind) for name, (kind, values) in columns.items()})


def to_parquet(verdicts: Sequence[QaVerdict]) -> bytes:
    """:func:`to_frame` as a Parquet file."""
    buffer = BytesIO()
    to_frame(verdicts).to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def _second(texts: Sequence[str]) -> str | None:
    return texts[1] if len(texts) > 1 else None
