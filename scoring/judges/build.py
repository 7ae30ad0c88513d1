"""From options to a judge: which one, on which server, with which words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.judges.registry import judge_names, offline_judge
from scoring.options import JudgeOptions
from scoring.types import Judge
from vdc.errors import InputError, Problem, unknown_name
from vdc.settings import lookup, lookup_number

if TYPE_CHECKING:
    from scoring.judges.openai import CallRunner, OpenAIJudge
    from scoring.transports import CollectedCalls, OnlineCalls
    from vdc.llm.endpoint import Endpoint
    from vdc.llm.stats import Progress
    from vdc.llm.store import ReplyStore

OFFLINE_PROMPTS: dict[str, Any] = {"name": "none", "sha256": None, "published": False}
"""What the record of a judge that needs no prompts says of them."""


@dataclass(frozen=True)
class BuiltJudge:
    """A judge ready to be asked.

    Args:
        judge: The judge.
        prompts: The run record's ``prompts``.
        calls: Carries its calls; None for a judge that makes none.
    """

    judge: Judge
    prompts: dict[str, Any]
    calls: OnlineCalls | CollectedCalls | None = None


def choose_judge(options: JudgeOptions) -> str:
    """The judge's name: as given, as configured, else ``openai`` where an address is set, else ``lexical``.

    Raises:
        InputError: No judge has this name.
    """
    name = options.judge or lookup("judge").value
    if name is None:
        address = lookup("base_url", options.base_url).value
        name = "openai" if address else "lexical"
    if name not in judge_names():
        raise InputError(unknown_name("judge", name, judge_names()))
    return name


def build_offline(name: str, options: JudgeOptions) -> BuiltJudge:
    """A judge that makes no calls.

    Raises:
        InputError: ``recorded`` without a verdict file, or an unknown name.
    """
    if name != "recorded":
        return BuiltJudge(offline_judge(name), dict(OFFLINE_PROMPTS))
    from scoring.judges.recorded import RecordedJudge

    if options.verdicts is None:
        found, expected = "the judge recorded without a verdict file", "a run folder to replay"
        raise InputError(Problem(found, expected, "add --verdicts RUN"))
    judge = RecordedJudge(options.verdicts)
    return BuiltJudge(judge, judge.prompts or dict(OFFLINE_PROMPTS))


def endpoint_of(options: JudgeOptions) -> Endpoint:
    """The judge server's address.

    Raises:
        InputError: None is set, or it is no address.
    """
    from vdc.llm.endpoint import parse_endpoint

    address = lookup("base_url", options.base_url).value
    if address is None:
        raise InputError(
            Problem(
                "the judge openai without an address",
                "an OpenAI-compatible server, for example http://localhost:8000/v1",
                "add --base-url, or set VDC_BASE_URL; --judge lexical needs no server",
            )
        )
    return parse_endpoint(address)


def model_of(options: JudgeOptions, endpoint: Endpoint) -> str:
    """The judge model: as given or configured, else the one model that the server serves.

    Raises:
        InputError: The server serves several, or does not say.
    """
    name = lookup("model", options.model).value
    if name is not None:
        return name
    served = asyncio.run(_served_models(endpoint))
    if len(served) == 1:
        return served[0]
    if served:
        found, do_next = f"a server that serves {', '.join(served)}", "add --model with one of these names"
    else:
        found = f"no list of models from {endpoint.base_url}"
        do_next = "see that the server runs there and takes your key, or name the model with --model"
    raise InputError(Problem(f"no --model, and {found}", "the name of the judge model", do_next))


async def _served_models(endpoint: Endpoint) -> tuple[str, ...]:
    from vdc.llm.client import ChatClient

    async with ChatClient(endpoint) as client:
        return await client.list_models()


def open_store(options: JudgeOptions) -> ReplyStore:
    """The reply store of these options."""
    from vdc.llm.store import ReplyStore

    configured = lookup("store", str(options.store) if options.store else None).value
    return ReplyStore(Path(configured) if configured else None)


def llm_judge(options: JudgeOptions, calls: CallRunner, model: str, repeat: int = 0) -> OpenAIJudge:
    """The LLM judge with the prompts and sampling of these options.

    Raises:
        InputError: No such prompt set.
    """
    from scoring.judges.openai import OpenAIJudge
    from scoring.prompts.catalog import load_prompts

    prompts = load_prompts(lookup("prompts", options.prompts).value or "vdc-1")
    structured = options.structured if options.structured is not None else not prompts.published
    return OpenAIJudge(
        model=model,
        prompts=prompts,
        runner=calls,
        sampling=options.sampling_for(repeat),
        revision=options.revision,
        structured=structured,
    )


def prompt_facts(judge: OpenAIJudge) -> dict[str, Any]:
    """The run record's ``prompts``."""
    prompts = judge.prompts
    return {
        "name": prompts.name,
        "sha256": prompts.sha256,
        "published": prompts.published,
        "pieces": prompts.hashes,
    }


def online_calls(
    options: JudgeOptions,
    endpoint: Endpoint,
    store: ReplyStore,
    total: int,
    progress: Callable[[Progress], None] | None,
    spent: float = 0.0,
) -> OnlineCalls:
    """The transport of a run against a server; ``spent`` of the cost limit is gone already."""
    from scoring.transports import OnlineCalls
    from vdc.llm.cost import Prices
    from vdc.llm.runner import RunnerConfig

    priced = bool(options.price_in or options.price_out)
    config = RunnerConfig(
        concurrency=round(lookup_number("concurrency", options.concurrency)),
        timeout_s=lookup_number("timeout_s", options.timeout_s),
        give_up_s=options.give_up_s,
        prices=Prices(options.price_in, options.price_out) if priced else None,
        max_cost=None if options.max_cost is None else options.max_cost - spent,
    )
    return OnlineCalls(endpoint, store, config, total, progress)
