"""The words of scoring: what a judge is asked, what it replies, and what a verdict is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from vdc.benchmark.model import Question

VerdictStatus = Literal["judged", "unparsed", "failed", "missing", "empty"]
"""What became of a question; five different things from judge to page.

``judged``: match and score are known. ``unparsed``: the judge replied, twice, with something that is no verdict.
``failed``: no reply after all retries. ``missing``: the prediction set has no caption for the video and section.
``empty``: it has one, with nothing in it; no judge was asked.
"""


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """A question to be answered from a caption and then matched against its gold.

    Args:
        question: The benchmark's question.
        caption: The predicted caption, already made harmless and cut to the stated length.
    """

    question: Question
    caption: str


@dataclass(frozen=True, slots=True)
class JudgeReply:
    """What a judge said about one request, unparsed.

    Args:
        request: The request it belongs to.
        answer: Step 1: what the judge read out of the caption; None if that call failed.
        raw: Step 2: the judge's text as received; None if no call was made or it failed.
        raw_retry: Text of the stricter second request, made only where ``raw`` was no verdict.
        error: Why a call failed; empty when none did.
        answer_key, match_key, retry_key: Keys of the calls in the reply store; None where there was none.
    """

    request: JudgeRequest
    answer: str | None = None
    raw: str | None = None
    raw_retry: str | None = None
    error: str = ""
    answer_key: str | None = None
    match_key: str | None = None
    retry_key: str | None = None


@runtime_checkable
class Judge(Protocol):
    """Anything that can answer questions from captions and match the answers."""

    @property
    def kind(self) -> str:
        """Name in the registry: ``openai``, ``lexical``, ``recorded``, ..."""
        ...

    @property
    def comparable(self) -> bool:
        """Whether its numbers may stand beside LLM-judged ones."""
        ...

    def describe(self) -> dict[str, Any]:
        """What a run record needs to know: model, revision, sampling, server; no secrets, no host names."""
        ...

    def judge(self, requests: Iterable[JudgeRequest]) -> Iterator[JudgeReply]:
        """One reply per request, in the order of the requests. A failed call is a reply with ``error``."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's reply, read.

    Args:
        match: Whether the answer means the gold.
        score: 0 to 5.
    """

    match: bool
    score: float
