"""Scoring through batch files: calls out as OpenAI Batch JSONL, replies in, the same run at the end.

Step 2 of a question needs the answer of step 1, so a run takes two rounds, and a third where verdicts were unreadable.
Each round is the same command: it imports whatever replies lie in the folder and writes the calls that still wait.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scoring.judges.build import choose_judge, endpoint_of, llm_judge, model_of, open_store
from scoring.options import JudgeOptions
from scoring.plan import make_plan
from scoring.run_folder import Run, check_folder, default_folder
from scoring.score import judge_identity, score
from scoring.transports import CollectedCalls
from scoring.verdict_table import judge_requests
from vdc.errors import InputError, Problem
from vdc.llm.batch import import_batch, write_batch
from vdc.llm.types import ChatRequest
from vdc.records import run_id
from vdc.settings import lookup

FOLDER: Final = "batch"
REQUESTS: Final = "requests"
REPLIES: Final = "replies"


@dataclass(frozen=True, slots=True)
class BatchRound:
    """A round that is not the last.

    Args:
        folder: The run folder.
        requests: Files to be run by a batch endpoint.
        waiting: Calls in them.
        imported: Replies that this round took in.
        errors: Replies by which the server said that a call failed; those calls wait again.
    """

    folder: Path
    requests: tuple[Path, ...]
    waiting: int
    imported: int
    errors: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "state": "waiting",
            "folder": str(self.folder),
            "requests": [str(path) for path in self.requests],
            "waiting": self.waiting,
            "imported": self.imported,
            "errors": self.errors,
        }


def score_batch(
    predictions: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    options: JudgeOptions = JudgeOptions(),
    **choices: Any,
) -> BatchRound | Run:
    """One round of scoring through batch files; takes the arguments of ``scoring.score.score``.

    Returns:
        The round, with the files to run next, or the finished run.

    Raises:
        InputError: As ``score``; or a replies file with lines that are none; or a judge that makes no calls.
        RunIncomplete: As ``score``.
    """
    if choose_judge(options) != "openai" and options.judge is not None:
        found = f"--batch with the judge {options.judge}"
        raise InputError(Problem(found, "the judge openai", "leave out --judge, or --batch"))
    plan = make_plan(predictions, **choices)
    # No server is asked here, so none has to be named as long as the model is.
    model = lookup("model", options.model).value or model_of(options, endpoint_of(options))
    with open_store(options) as store:
        waiting: list[ChatRequest] = []
        judge = llm_judge(options, CollectedCalls(store, waiting.append), model)
        identity = run_id({**plan.identity(), **judge_identity(judge, judge.prompts.sha256), "repeats": 1})
        folder = Path(out) if out is not None else default_folder(os.fspath(predictions), identity)
        batch = folder / FOLDER
        replies = sorted(path for path in batch.glob("*.jsonl") if not path.name.startswith(REQUESTS))
        if not _is_batch_only(folder):
            check_folder(folder, identity, overwrite=overwrite)
        taken = import_batch(replies, store)
        if taken.problems:
            raise InputError(taken.problems, f"{len(taken.problems)} lines are no batch replies; the others were taken")

        def calls() -> Iterator[ChatRequest]:
            for _ in judge.judge(judge_requests(plan.benchmark, plan.captions)):
                yield from waiting
                waiting.clear()

        written = write_batch(calls(), batch, stem=REQUESTS)
        for stale in set(batch.glob(f"{REQUESTS}-*.jsonl")) - set(written.paths):
            stale.unlink()
        if written.requests:
            return BatchRound(folder, written.paths, written.requests, taken.stored, taken.errors)
        return score(predictions, judge=judge, options=options, out=folder, overwrite=True, **choices)


def _is_batch_only(folder: Path) -> bool:
    """Whether nothing but earlier rounds lies in the folder."""
    return folder.is_dir() and [path.name for path in folder.iterdir()] == [FOLDER]
