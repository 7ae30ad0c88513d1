"""What calls cost, and the rule by which a run stops before it costs more than allowed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vdc.llm.types import ChatRequest

CHARACTERS_PER_TOKEN: Final = 4.0
"""Rule of thumb for English; used for estimates and where a server does not count."""

_ENOUGH_REPLIES: Final = 8


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in one currency per million tokens.

    Args:
        input_per_million, output_per_million: 0 or more.
    """

    input_per_million: float
    output_per_million: float

    def cost(self, input_tokens: float, output_tokens: float) -> float:
        """Price of so many tokens."""
        return (input_tokens * self.input_per_million + output_tokens * self.output_per_million) / 1e6


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a set of calls would take.

    Args:
        calls: Number of calls.
        input_tokens: Estimated from the length of the texts.
        output_tokens: Upper bound: every reply as long as allowed.
    """

    calls: int
    input_tokens: int
    output_tokens: int


def estimate(requests: Iterable[ChatRequest]) -> Estimate:
    """Calls and tokens of requests, by the rule of thumb of :data:`CHARACTERS_PER_TOKEN`."""
    calls = input_tokens = output_tokens = 0
    for request in requests:
        calls += 1
        input_tokens += estimate_input_tokens(request)
        output_tokens += request.sampling.max_tokens
    return Estimate(calls, input_tokens, output_tokens)


def estimate_input_tokens(request: ChatRequest) -> int:
    """Tokens of a request's texts, estimated; images are not counted."""
    characters = sum(len(message.content) for message in request.messages if isinstance(message.content, str))
    return estimate_tokens(characters)


def estimate_tokens(characters: int) -> int:
    """Tokens of a text of so many characters, estimated."""
    return round(characters / CHARACTERS_PER_TOKEN)


class Budget:
    """Money spent and reserved for the calls in flight.

    Args:
        prices: What tokens cost.
        max_cost: Most the run may spend, in the currency of the prices; None sets no limit.
    """

    def __init__(self, prices: Prices, max_cost: float | None = None) -> None:
        self.prices = prices
        self.max_cost = max_cost
        self.spent = 0.0
        self.reserved = 0.0
        self._replies = 0
        self._output_tokens = 0

    def expected_cost(self, request: ChatRequest) -> float:
        """Estimated price of a call: replies as long as the mean so far, as allowed while little is known."""
        known = self._replies >= _ENOUGH_REPLIES
        output_tokens = self._output_tokens / self._replies if known else request.sampling.max_tokens
        return self.prices.cost(estimate_input_tokens(request), output_tokens)

    def reserve(self, amount: float) -> bool:
        """Sets the amount aside, unless spent + reserved + amount would exceed the limit; says whether it did."""
        if self.max_cost is not None and self.spent + self.reserved + amount > self.max_cost:
            return False
        self.reserved += amount
        return True

    def free(self, amount: float) -> None:
        """Gives back what was reserved for a call that is over; with nothing in flight nothing stays reserved."""
        self.reserved = max(0.0, self.reserved - amount)

    def spend(self, input_tokens: int, output_tokens: int) -> None:
        """Counts a reply."""
        self.spent += self.prices.cost(input_tokens, output_tokens)
        self._replies += 1
        self._output_tokens += output_tokens
