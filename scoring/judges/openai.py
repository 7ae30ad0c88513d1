"""The LLM judge: two calls per question to any OpenAI-compatible server, a stricter third for an unreadable verdict.

It knows prompts, not transport: the calls go through whatever ``CallRunner`` it is given (online, batch file, dry run),
and what comes back is kept as text. Reading it is the parser's work; the parser is asked here only whether the third
call is needed.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from scoring.hostile.neutralise import neutralise
from scoring.parsing import Unparsed, parse_verdict
from scoring.prompts.model import PromptSet
from scoring.types import JudgeReply, JudgeRequest
from vdc.llm.types import Ask, ChatRequest, Message, Sampling

Item = TypeVar("Item")
Result = TypeVar("Result")

ANSWER_LIMIT: Final = 2_000
"""Characters of a step-1 answer that step 2 sees: an answer is a phrase, and a judge that was talked into writing pages
must not flood the second call."""

_THOUGHT_ENDS = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_THOUGHT_BEGINS = re.compile(r"\s*<think(?:ing)?>", re.IGNORECASE)


class CallRunner(Protocol):
    """Runs jobs that ask an LLM: bounded, in order, resumable. See ``vdc.llm``."""

    def run(self, items: Iterable[Item], job: Callable[[Item, Ask], Awaitable[Result]]) -> Iterator[Result]:
        """``job(item, ask)`` for every item; results in the order of the items."""
        ...

    def describe(self) -> dict[str, Any]:
        """What the server showed of itself, for the run record."""
        ...


@dataclass(frozen=True, slots=True)
class OpenAIJudge:
    """Two-step LLM judge.

    Args:
        model: Name as the server knows it.
        prompts: Wording of both steps.
        runner: Carries the calls.
        sampling: Used for both steps.
        revision: Revision of the model, where the user knows it.
        structured: Ask for JSON-schema output in step 2. Off for published wordings, whose scorers never did.
    """

    model: str
    prompts: PromptSet
    runner: CallRunner
    sampling: Sampling = field(default_factory=Sampling)
    revision: str | None = None
    structured: bool = True

    @property
    def kind(self) -> str:
        """``openai``: any server that speaks that protocol."""
        return "openai"

    @property
    def comparable(self) -> bool:
        """LLM-judged numbers stand beside each other; the record says with which model and wording."""
        return True

    def identity(self) -> dict[str, Any]:
        """What decides its verdicts; part of the run's id."""
        return llm_identity(self.model, self.revision, self.sampling, self.structured)

    def describe(self) -> dict[str, Any]:
        """Identity, and what the server showed of itself so far."""
        return {**self.identity(), "server": self.runner.describe()}

    def judge(self, requests: Iterable[JudgeRequest]) -> Iterator[JudgeReply]:
        """One reply per request, in order; a failed call is a reply with its error."""
        return self.runner.run(requests, self._judge_one)

    async def _judge_one(self, request: JudgeRequest, ask: Ask) -> JudgeReply:
        question = request.question
        rendered = self.prompts.render_answer(request.caption, question.question)
        answer = await ask(self._call(request, "answer", rendered))
        if answer.status == "failed":
            return JudgeReply(request, error=f"answer: {answer.error}", answer_key=answer.key)
        said = _spoken(answer.text)
        # What the judge wrote in step 1 may repeat a payload of the caption; in step 2 it is data like the caption was.
        shown = neutralise(said[:ANSWER_LIMIT]).text
        rendered = self.prompts.render_match(question.question, question.gold, shown)
        match = await ask(self._call(request, "match", rendered))
        if match.status == "failed":
            error = f"match: {match.error}"
            return JudgeReply(request, answer=said, error=error, answer_key=answer.key, match_key=match.key)
        if not isinstance(parse_verdict(match.text), Unparsed):
            return JudgeReply(request, said, match.text, answer_key=answer.key, match_key=match.key)
        rendered = self.prompts.render_retry(question.question, question.gold, shown)
        retry = await ask(self._call(request, "retry", rendered))
        return JudgeReply(
            request,
            answer=said,
            raw=match.text,
            raw_retry=retry.text if retry.status == "ok" else None,
            error=f"retry: {retry.error}" if retry.status == "failed" else "",
            answer_key=answer.key,
            match_key=match.key,
            retry_key=retry.key,
        )

    def _call(self, request: JudgeRequest, step: str, rendered: tuple[str, str]) -> ChatRequest:
        question = request.question
        system, user = rendered
        return ChatRequest(
            model=self.model,
            messages=(Message("system", system), Message("user", user)),
            sampling=self.sampling,
            revision=self.revision,
            json_schema=self.prompts.match_schema if self.structured and step != "answer" else None,
            scope=f"{question.video_id}/{question.section}/{question.index}/{step}",
        )


def llm_identity(model: str, revision: str | None, sampling: Sampling, structured: bool) -> dict[str, Any]:
    """What decides the verdicts of a judge on a server, for the record and the run's id."""
    return {
        "kind": "openai",
        "model": model,
        "revision": revision,
        "comparable": True,
        "sampling": {
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
        },
        "structured": structured,
    }


def _spoken(text: str) -> str:
    """An answer without the reasoning before it; chat templates that open the reasoning themselves leave only its end.

    Reasoning that was cut short has no answer behind it: what is left is blank, and the report counts blank answers.
    """
    spoken = _THOUGHT_ENDS.split(text)[-1]
    return "" if _THOUGHT_BEGINS.match(spoken) else spoken.strip()
