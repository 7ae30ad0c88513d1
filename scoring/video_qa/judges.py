"""Who grades an answer: an LLM on any OpenAI-compatible server, or the offline word count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol

from scoring.hostile.neutralise import LENGTH_LIMIT, cut, neutralise
from scoring.judges.lexical import MATCH_SHARE, content_words
from scoring.judges.openai import CallRunner, llm_identity
from scoring.parsing import Unparsed, parse_score, parse_verdict
from scoring.types import Verdict
from scoring.video_qa.prompts import QaPrompts
from scoring.video_qa.rows import QaRow
from scoring.video_qa.tasks import Task
from vdc.llm.types import Ask, ChatRequest, Message, Sampling


@dataclass(frozen=True, slots=True)
class QaRequest:
    """An answer to be graded on one task.

    Args:
        task: What is weighed.
        row: Question, gold and answers.
        answers: The answers made harmless and cut to the stated length.
    """

    task: Task
    row: QaRow
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QaReply:
    """What a judge said about one request, unparsed.

    Args:
        request: The request.
        raw: Its text; None if the call failed.
        raw_retry: Text of the stricter second request, made only where ``raw`` could not be read.
        error: Why a call failed; empty when none did.
        key, retry_key: Of the calls in the reply store.
    """

    request: QaRequest
    raw: str | None = None
    raw_retry: str | None = None
    error: str = ""
    key: str | None = None
    retry_key: str | None = None


class QaJudge(Protocol):
    """Anything that can grade answers."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    @property
    def comparable(self) -> bool:
        """Whether its numbers may stand beside LLM-judged ones."""
        ...

    def identity(self) -> dict[str, Any]:
        """What decides its verdicts."""
        ...

    def describe(self) -> dict[str, Any]:
        """Identity, and what a server showed of itself."""
        ...

    def judge(self, requests: Iterable[QaRequest]) -> Iterator[QaReply]:
        """One reply per request, in order; a failed call is a reply with ``error``."""
        ...


def make_harmless(answers: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Answers that may be put between tags, and whether anything in them had to be changed or cut."""
    # What lies far beyond the limit is dropped before, because making harmless takes time; the exact cut comes after.
    found = [neutralise(answer[: 4 * LENGTH_LIMIT]) for answer in answers]
    shortened = [cut(one.text) for one in found]
    changed = any(one.changes for one in found) or any(one.removed for one in shortened)
    return tuple(one.text for one in shortened), changed or any(len(answer) > 4 * LENGTH_LIMIT for answer in answers)


def read_reply(task: Task, text: str | None) -> Verdict | float | Unparsed:
    """A reply as the task's kind of verdict: match and score, or a score alone."""
    return parse_verdict(text) if task.has_match else parse_score(text)


@dataclass(frozen=True, slots=True)
class LlmQaJudge:
    """One call per answer, and a stricter second one where the reply cannot be read.

    Args:
        model: Name as the server knows it.
        prompts: Wording.
        runner: Carries the calls.
        sampling: Of both calls.
        revision: Of the model, where the user knows it.
        structured: Ask for JSON-schema output.
    """

    model: str
    prompts: QaPrompts
    runner: CallRunner
    sampling: Sampling = field(default_factory=Sampling)
    revision: str | None = None
    structured: bool = True

    kind: ClassVar[str] = "openai"
    comparable: ClassVar[bool] = True

    def identity(self) -> dict[str, Any]:
        """Model, sampling and form of the reply."""
        return llm_identity(self.model, self.revision, self.sampling, self.structured)

    def describe(self) -> dict[str, Any]:
        """Identity, and what the server showed of itself so far."""
        return {**self.identity(), "server": self.runner.describe()}

    def judge(self, requests: Iterable[QaRequest]) -> Iterator[QaReply]:
        """One reply per request, in order."""
        return self.runner.run(requests, self._judge_one)

    async def _judge_one(self, request: QaRequest, ask: Ask) -> QaReply:
        first = await ask(self._call(request, again=False))
        if first.status == "failed":
            return QaReply(request, error=first.error, key=first.key)
        if not isinstance(read_reply(request.task, first.text), Unparsed):
            return QaReply(request, first.text, key=first.key)
        second = await ask(self._call(request, again=True))
        return QaReply(
            request,
            raw=first.text,
            raw_retry=second.text if second.status == "ok" else None,
            error=f"second request: {second.error}" if second.status == "failed" else "",
            key=first.key,
            retry_key=second.key,
        )

    def _call(self, request: QaRequest, *, again: bool) -> ChatRequest:
        system, user = self.prompts.render(request.task, request.row, request.answers, again=again)
        step = "retry" if again else "grade"
        return ChatRequest(
            model=self.model,
            messages=(Message("system", system), Message("user", user)),
            sampling=self.sampling,
            revision=self.revision,
            json_schema=self.prompts.schema(request.task) if self.structured else None,
            scope=f"video-qa/{request.task.name}/{request.row.key}/{step}",
        )


class LexicalQaJudge:
    """Counts the gold's words in the answer; no synonyms, no reasoning, no order. For demos and dry exercises."""

    kind: Final = "lexical"
    comparable: Final = False

    def identity(self) -> dict[str, Any]:
        """Its rule; there is no model."""
        rule = {"model": "shared-words-1", "match_share": MATCH_SHARE}
        return {"kind": self.kind, "comparable": self.comparable, **rule}

    describe = identity

    def judge(self, requests: Iterable[QaRequest]) -> Iterator[QaReply]:
        """The worst of the answers counts, so that two that disagree are not consistent."""
        for request in requests:
            wanted = set(content_words(request.row.gold))
            shares = [len(wanted & set(content_words(answer))) / max(len(wanted), 1) for answer in request.answers]
            share = min(shares)
            match = f'"pred": "{"yes" if share >= MATCH_SHARE else "no"}", ' if request.task.has_match else ""
            yield QaReply(request, raw=f'{{{match}"score": {round(5 * share)}}}')
