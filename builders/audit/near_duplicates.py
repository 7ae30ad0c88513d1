"""Pairs of rows that ask nearly the same, found without comparing every pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SimilarPair:
    """Two similar sets.

    Args:
        first: Position of the earlier set.
        second: Position of the later one.
        similarity: Jaccard, 0 to 1.
    """

    first: int
    second: int
    similarity: float


def similar_pairs(sets: Sequence[frozenset[Hashable]]) -> Iterator[SimilarPair]:
    """All pairs of sets with Jaccard of one half or more, exactly.

    Two such sets share a member among the rarest members of both: a set of n members needs n - ceil(n / 2) + 1 of them
    looked up, so a member that stands in every set is hardly ever looked up and the work stays far below all pairs.

    Args:
        sets: The sets; an empty one is similar to nothing.

    Yields:
        Pairs ordered by ``second``, then ``first``.

    Source:
        Prefix filtering as in Bayardo, Ma and Srikant, "Scaling up all pairs similarity search", WWW 2007, section 3,
        in its set form; written anew here.
    """
    frequency = Counter(member for members in sets for member in members)
    # Any order serves as long as all sets use the same; ties are broken by first appearance.
    rank = {member: place for place, (member, _) in enumerate(sorted(frequency.items(), key=lambda pair: pair[1]))}
    index: dict[int, list[int]] = {}
    for second, members in enumerate(sets):
        size = len(members)
        rarest = sorted(rank[member] for member in members)[: size - (size + 1) // 2 + 1] if members else []
        candidates = {first for place in rarest for first in index.get(place, ())}
        for first in sorted(candidates):
            other = sets[first]
            if 2 * min(size, len(other)) < max(size, len(other)):
                continue
            common = len(members & other)
            whole = size + len(other) - common
            if 2 * common >= whole:
                yield SimilarPair(first, second, common / whole)
        for place in rarest:
            index.setdefault(place, []).append(second)
