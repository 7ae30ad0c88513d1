"""What a report needs to know about a run besides its verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from vdc.errors import InputError, Problem

DEFAULT_SEED: Final = 0
_MAPPINGS: Final = (
    *("judge", "prompts", "benchmark", "predictions", "questions"),
    *("coverage", "calls", "seeds", "tool", "repeats"),
)


@dataclass(frozen=True)
class RunFacts:
    """The parts of a run record that a report shows; the record is the only source of each.

    Args:
        run_id: Identity of the run.
        judge: At least ``kind``, ``model`` and ``comparable``.
        prompts: At least ``name`` and ``sha256``.
        benchmark: At least ``name``, ``revision`` and, for a part of a benchmark, ``limit``.
        predictions: Path name, hash and format of the scored file.
        questions: ``headline`` (``full`` or ``clean``) and ``clean_list`` (its version and hash, None without one).
        coverage: Counts of captions: ``captions``, ``expected``, ``missing``, ``unknown``, ``duplicates``, and more.
        calls: ``made``, ``from_store``, ``retries``, ``input_tokens``, ``output_tokens``, and any more.
        seeds: ``bootstrap`` is the seed of the intervals.
        tool: ``version`` and ``git_commit``.
        repeats: How far repeated judgements lie apart, see ``scoring.repeats``; empty for a run judged once.
        started: When the run began, ISO 8601 in UTC; empty when not known.
        elapsed_s: Seconds; None when not known.
        notes: Sentences about what was tolerated.
    """

    run_id: str
    judge: Mapping[str, Any]
    prompts: Mapping[str, Any]
    benchmark: Mapping[str, Any]
    predictions: Mapping[str, Any] = field(default_factory=dict)
    questions: Mapping[str, Any] = field(default_factory=dict)
    coverage: Mapping[str, Any] = field(default_factory=dict)
    calls: Mapping[str, Any] = field(default_factory=dict)
    seeds: Mapping[str, Any] = field(default_factory=dict)
    tool: Mapping[str, Any] = field(default_factory=dict)
    repeats: Mapping[str, Any] = field(default_factory=dict)
    started: str = ""
    elapsed_s: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def bootstrap_seed(self) -> int:
        """Seed of the intervals; :data:`DEFAULT_SEED` where the record has none."""
        seed = self.seeds.get("bootstrap")
        return seed if isinstance(seed, int) and seed >= 0 else DEFAULT_SEED

    @classmethod
    def from_record(cls, record: Mapping[str, Any], where: str = "run.json") -> RunFacts:
        """Take the facts out of a run record.

        Args:
            record: As ``vdc.records.read_record`` returns it.
            where: What to call it in messages.

        Raises:
            InputError: A part is not there or is of another type; lists all such parts.
        """
        do_next = "give the folder that vdc score --out wrote"
        problems = [
            Problem(f"{name} = {record.get(name)!r}", f"{name} as an object", do_next, where)
            for name in _MAPPINGS
            if not isinstance(record.get(name, None if name in ("judge", "prompts", "benchmark") else {}), Mapping)
        ]
        if not isinstance(record.get("run_id"), str):
            problems.append(Problem(f"run_id = {record.get('run_id')!r}", "run_id as text", do_next, where))
        elapsed = record.get("elapsed_s")
        if elapsed is not None and (isinstance(elapsed, bool) or not isinstance(elapsed, int | float)):
            problems.append(Problem(f"elapsed_s = {elapsed!r}", "seconds", do_next, where))
        if problems:
            raise InputError(problems)
        notes = record.get("notes")
        return cls(
            run_id=record["run_id"],
            started=str(record.get("started") or ""),
            elapsed_s=elapsed,
            notes=tuple(str(note) for note in notes) if isinstance(notes, list | tuple) else (),
            **{name: cast("Mapping[str, Any]", record.get(name, {})) for name in _MAPPINGS},
        )
