"""What a run would take, before it is paid for: calls, tokens, price, and what the reply store already has."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from scoring.judges.build import choose_judge, endpoint_of, llm_judge, model_of, open_store
from scoring.options import JudgeOptions
from scoring.plan import Plan
from scoring.transports import CountedCalls
from scoring.verdict_table import judge_requests
from vdc.settings import lookup


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would take.

    Args:
        judge: Name of the judge.
        model: Its model, None for a judge without one.
        captions: Captions that would be judged.
        questions: Questions that would be asked.
        calls: Calls that would be made; an unreadable verdict adds one more each.
        from_store: Calls that the reply store answers.
        input_tokens: Of the calls to be made, estimated at 4 characters a token.
        output_tokens_at_most: Every reply as long as allowed.
        cost_at_most: At the prices given; None without prices.
    """

    judge: str
    model: str | None
    captions: int
    questions: int
    calls: int = 0
    from_store: int = 0
    input_tokens: int = 0
    output_tokens_at_most: int = 0
    cost_at_most: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def estimate_run(plan: Plan, options: JudgeOptions, repeats: int = 1) -> Estimate:
    """Count the calls of a run without making any.

    Step 2 depends on the answer of step 1; where the store does not have it, an answer of eight words is assumed.

    Args:
        plan: What would be scored.
        options: How.
        repeats: As for the run.

    Raises:
        InputError: No server address or model is known for the judge ``openai``.
    """
    name = choose_judge(options)
    captions = sum(bool(caption.text) for caption in plan.captions.values())
    questions = plan.questions_to_ask
    if name != "openai":
        return Estimate(name, None, captions, questions)
    # A named model needs no server: a dry run is often made where there is none yet.
    model = lookup("model", options.model).value or model_of(options, endpoint_of(options))
    with open_store(options) as store:
        counted = CountedCalls(store)
        for repeat in range(repeats):
            judge = llm_judge(options, counted, model, repeat)
            for _ in judge.judge(judge_requests(plan.benchmark, plan.captions)):
                pass
    counts = counted.counts
    priced = bool(options.price_in or options.price_out)
    cost = counts["input_tokens"] * options.price_in + counts["output_tokens_at_most"] * options.price_out
    return Estimate(name, model, captions, questions, **counts, cost_at_most=cost / 1e6 if priced else None)
