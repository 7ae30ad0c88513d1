"""How a judge's replies become numbers: the published sums, from the file of answers to the printed line."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from baselines.parity.llama_vid.context import Context
from scoring.types import Verdict
from scoring.video_qa.judges import QaReply, QaRequest, read_reply
from scoring.video_qa.rows import QaRow, read_answers
from scoring.video_qa.rules import published
from scoring.video_qa.tasks import TASKS, Task
from scoring.video_qa.verdicts import QaVerdict

PREFIX = "judge_"
_QA = frozenset(["msvd", "msrvtt", "activitynet"])
_FIELDS = frozenset(["predictions", "judge_replies", "stdout"])
_PRINTED = re.compile(r"^(Yes count|No count|Accuracy|Average score(?: for \w+)?): (\S+)$", re.MULTILINE)


def check_judge_sums(context: Context, file: str, part: str) -> None:
    """One ``judge_*`` part: names of the replies, and every number that the published script printed.

    The golden answers go through the reader, the golden replies, as the text a judge would have sent, through the rule
    ``published``.
    """
    golden, checker = context.golden.json(file)[part], context.checker
    checker.fields(file, part, golden, _FIELDS)
    name = part.removeprefix(PREFIX)
    task = TASKS["qa" if name in _QA else name]
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "answers.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in golden["predictions"]), encoding="utf-8")
        rows = read_answers(path).rows
    replies: dict[str, Any] = golden["judge_replies"]
    checker.same(file, f"{part} names of replies", sorted(row.key for row in rows), sorted(replies))
    numbers = published([_verdict(task, row, str(replies[row.key])) for row in rows])
    printed = {words.removesuffix(f" for {name}"): float(value) for words, value in _PRINTED.findall(golden["stdout"])}
    ours = {"Average score": numbers.score}
    if task.has_match:
        ours |= {"Yes count": numbers.yes, "No count": numbers.no, "Accuracy": numbers.accuracy}
    checker.same(file, f"{part} printed numbers", ours, printed)


def _verdict(task: Task, row: QaRow, text: str) -> QaVerdict:
    read = read_reply(task, text)
    match = read.match if isinstance(read, Verdict) else None
    return QaVerdict(task.name, row, "judged", match, reply=QaReply(QaRequest(task, row, row.answers or ()), text))
