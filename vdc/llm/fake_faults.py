"""Which fault the fake server commits on which call: decided by hashes, so the same in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Fault = Literal["rate_limit", "error", "hang", "drop", "cut_json", "cut_body"]
"""What may happen to a call:

``rate_limit`` is status 429 with ``Retry-After``, ``error`` status 500, ``hang`` no reply, ever; with ``drop`` the
connection is closed instead of a reply, with ``cut_body`` in mid-body; ``cut_json`` is status 200 with half the JSON.
"""

FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of faulty calls, each in [0, 1], together at most 1.

    Args:
        rates: Fault -> share. Drawn per request *and* attempt, so a repeated call fares differently.
        garbled: Share of verdicts (replies with the word ``score``) that are garbage instead. Drawn per request only:
            a repeated call gets the same text, so that the other faults do not change the verdicts.
        retry_after_s: In the 429s' header.
        warm_up_s: Status 503 for so many seconds after the start.
        seed: Other faults under another seed.
    """

    rates: Mapping[Fault, float] = field(default_factory=dict)
    garbled: float = 0.0
    retry_after_s: float = 1.0
    warm_up_s: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not all(name in FAULTS and 0 <= rate <= 1 for name, rate in self.rates.items()) or self.total > 1 + 1e-9:
            raise ValueError(f"fault rates must name {', '.join(FAULTS)} and add up to at most 1, got {self.rates}")

    @property
    def total(self) -> float:
        """Share of calls that meet any fault."""
        return sum(self.rates.values())

    def draw(self, digest: bytes, attempt: int) -> Fault | None:
        """The fault of the n-th arrival (from 0) of a request, or None."""
        if not self.rates:
            return None
        point = self._point(digest, attempt.to_bytes(4, "little"))
        for name, rate in self.rates.items():
            if point < rate:
                return name
            point -= rate
        return None

    def is_garbled(self, digest: bytes) -> bool:
        """Whether the text of the reply to this request is garbage."""
        return self.garbled > 0 and self._point(digest, b"text") < self.garbled

    def _point(self, digest: bytes, salt: bytes) -> float:
        mixed = hashlib.blake2b(self.seed.to_bytes(8, "little", signed=True) + digest + salt, digest_size=8).digest()
        return int.from_bytes(mixed, "little") / 2**64
