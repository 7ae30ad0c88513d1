"""One row per question of the benchmark, whatever became of it: the table every protocol reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from scoring.captions import ReadyCaption
from scoring.hostile.outcome import JudgedRow, outcome_suspicions
from scoring.parsing import Unparsed, parse_verdict
from scoring.types import Judge, JudgeReply, JudgeRequest, Verdict, VerdictStatus
from vdc.benchmark.model import Benchmark, Question
from vdc.sections import Section

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = (
    "video_id",
    "section",
    "question_index",
    "question",
    "gold",
    "answer",
    "match",
    "score",
    "status",
    "raw",
    "raw_retry",
    "answer_key",
    "match_key",
    "retry_key",
    "suspicious",
    "error",
)

Captions = Mapping[tuple[str, Section], ReadyCaption]


def judge_all(benchmark: Benchmark, captions: Captions, judge: Judge) -> pd.DataFrame:
    """Ask the judge every question that has a caption and put all verdicts into one table.

    Args:
        benchmark: What to ask; its order is the table's order.
        captions: (video_id, section) -> the caption made ready; a key that is not there is a missing caption.
        judge: Asked once per question, in the benchmark's order, so that calls that share a caption are adjacent.

    Returns:
        ``len(benchmark.questions)`` rows with ``COLUMNS``; ``match`` is nullable boolean, ``score`` nullable float.
    """
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    replies = judge.judge(judge_requests(benchmark, captions))
    for key, questions in benchmark.questions.items():
        caption = captions.get(key)
        start = len(columns["match"])
        for question in questions:
            reply = next(replies) if caption is not None and caption.text else None
            _append(columns, question, caption, reply)
        reasons = _reasons(caption, questions, {name: columns[name][start:] for name in ("answer", "match", "score")})
        columns["suspicious"] += [",".join(reasons)] * len(questions)
    return _frame(columns)


def read_reply(reply: JudgeReply) -> tuple[VerdictStatus, Verdict | None]:
    """What a judge's reply means; a call that failed is never a verdict, whatever else was said before it."""
    if reply.error or reply.raw is None:
        return "failed", None
    for text in (reply.raw, reply.raw_retry):
        if text is not None and not isinstance(verdict := parse_verdict(text), Unparsed):
            return "judged", verdict
    return "unparsed", None


def judge_requests(benchmark: Benchmark, captions: Captions) -> Iterator[JudgeRequest]:
    """Every question that has a caption to be answered from, in the order of the benchmark."""
    for key, questions in benchmark.questions.items():
        caption = captions.get(key)
        if caption is not None and caption.text:
            for question in questions:
                yield JudgeRequest(question, caption.text)


def _append(
    columns: dict[str, list[Any]], question: Question, caption: ReadyCaption | None, reply: JudgeReply | None
) -> None:
    status: VerdictStatus = "missing" if caption is None else "empty"
    verdict: Verdict | None = None
    if reply is not None:
        if reply.request.question != question:
            asked, got = _name(question), _name(reply.request.question)
            raise RuntimeError(f"the judge replied out of order: asked about {asked}, got a reply about {got}")
        status, verdict = read_reply(reply)
    said = reply or JudgeReply(JudgeRequest(question, ""))
    columns["video_id"].append(question.video_id)
    columns["section"].append(question.section)
    columns["question_index"].append(question.index)
    columns["question"].append(question.question)
    columns["gold"].append(question.gold)
    columns["match"].append(verdict.match if verdict else None)
    columns["score"].append(verdict.score if verdict else None)
    columns["status"].append(status)
    for name in ("answer", "raw", "raw_retry", "answer_key", "match_key", "retry_key", "error"):
        columns[name].append(getattr(said, name))


def _reasons(
    caption: ReadyCaption | None, questions: Sequence[Question], judged: Mapping[str, Sequence[Any]]
) -> tuple[str, ...]:
    """Reasons seen in the caption, then those seen in what the judge made of it."""
    if caption is None:
        return ()
    rows = [
        JudgedRow(question.question, question.gold, answer or "", match, score)
        for question, answer, match, score in zip(
            questions, judged["answer"], judged["match"], judged["score"], strict=True
        )
        if match is not None
    ]
    return tuple(dict.fromkeys((*caption.suspicious, *outcome_suspicions(caption.text, rows))))


def _name(question: Question) -> str:
    return f"{question.video_id}/{question.section}/{question.index}"


def _frame(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    import pandas as pd

    text: Any = pd.StringDtype("pyarrow")
    kinds: dict[str, Any] = {"question_index": "int64", "match": "boolean", "score": "Float64"}
    return pd.DataFrame({name: pd.array(columns[name], dtype=kinds.get(name, text)) for name in COLUMNS})
