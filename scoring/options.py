"""What a user may choose for a run, in one record; the command line, Python and the leaderboard all fill this one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vdc.errors import InputError, Problem, unknown_name
from vdc.llm.types import Sampling

SAMPLINGS: Final[dict[str, Sampling]] = {
    "greedy": Sampling(temperature=0.0, max_tokens=256, seed=0),
    "official": Sampling(temperature=1.0, max_tokens=256, top_p=1.0, seed=None),
}
"""``official`` is what the published scorer really used (temperature 1.0, 256 tokens, no seed): never repeatable."""


def _flag(name: str) -> str:
    """A field's option on the command line, which leaves out the unit that Python names carry."""
    return "--" + name.removesuffix("_s").replace("_", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeOptions:
    """Which judge, and how it is asked. None means: as configured, see ``vdc config``.

    Args:
        judge: ``openai``, ``lexical``, ``recorded`` or the name of an installed judge.
        model: Judge model as its server names it.
        base_url: Address of an OpenAI-compatible server, with or without ``/v1``.
        revision: Revision of the model, recorded and part of the reply store's key.
        prompts: Name of a prompt set or path of a prompt file.
        sampling: ``greedy`` or ``official``.
        max_tokens: New tokens per reply; None takes the sampling's 256. Reasoning models need more.
        seed: Sent with every call where the sampling is greedy.
        structured: Ask for JSON-schema output; None: yes for our own prompts, no for published ones.
        concurrency: Most calls in flight.
        timeout_s: Longest wait for one reply, seconds.
        give_up_s: Seconds without any success after which the run stops.
        price_in: Price of a million input tokens.
        price_out: Price of a million output tokens.
        max_cost: Stop, resumably, before more than this is spent.
        store: Reply store file.
        verdicts: Run folder or verdict table that ``recorded`` replays.
    """

    judge: str | None = None
    model: str | None = None
    base_url: str | None = None
    revision: str | None = None
    prompts: str | None = None
    sampling: str = "greedy"
    max_tokens: int | None = None
    seed: int = 0
    structured: bool | None = None
    concurrency: int | None = None
    timeout_s: float | None = None
    give_up_s: float = 60.0
    price_in: float = 0.0
    price_out: float = 0.0
    max_cost: float | None = None
    store: Path | None = None
    verdicts: Path | None = None

    def __post_init__(self) -> None:
        problems = [
            Problem(f"{name} {value!r}", f"a number above {least}", f"give {_flag(name)} such a number")
            for name, value, least, wrong in (
                ("max_tokens", self.max_tokens, 0, self.max_tokens is not None and self.max_tokens < 1),
                ("concurrency", self.concurrency, 0, self.concurrency is not None and self.concurrency < 1),
                ("timeout_s", self.timeout_s, 0, self.timeout_s is not None and not self.timeout_s > 0),
                ("give_up_s", self.give_up_s, 0, not self.give_up_s > 0),
                ("max_cost", self.max_cost, 0, self.max_cost is not None and not self.max_cost > 0),
            )
            if wrong
        ]
        if self.sampling not in SAMPLINGS:
            problems.append(unknown_name("sampling", self.sampling, SAMPLINGS))
        if self.max_cost is not None and not (self.price_in or self.price_out):
            problems.append(
                Problem(
                    "--max-cost without prices",
                    "prices per million tokens, since servers do not tell them",
                    "add --price-in and --price-out",
                )
            )
        if problems:
            raise InputError(problems)

    def sampling_for(self, repeat: int) -> Sampling:
        """The sampling of the given repetition, from 0."""
        base = SAMPLINGS[self.sampling]
        return Sampling(
            temperature=base.temperature,
            max_tokens=self.max_tokens or base.max_tokens,
            top_p=base.top_p,
            seed=self.seed if base.seed is not None else None,
            repeat=repeat,
        )
