"""The benchmarks a board scores on, each loaded once per process."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator

from vdc.benchmark.load import SAMPLE_NAME, load_benchmark
from vdc.benchmark.model import Benchmark
from vdc.errors import InputError, Problem, RunFailed, unknown_name


class Benchmarks:
    """The benchmarks by the names that submissions use.

    Args:
        names: As ``vdc.load_benchmark`` takes them; the first is the board's main one.
    """

    def __init__(self, names: Collection[str]) -> None:
        self.names = tuple(names)
        self._loaded: dict[str, Benchmark] = {}
        self._lock = threading.Lock()

    def load(self, name: str) -> Benchmark:
        """A benchmark of this board.

        Raises:
            InputError: The board does not score on it.
            RunFailed: It does, but cannot read it now.
        """
        if name not in self.names:
            raise InputError(unknown_name("benchmark", name[:120], self.names))
        with self._lock:
            if name not in self._loaded:
                try:
                    self._loaded[name] = load_benchmark(name)
                except InputError as error:
                    # The submitter can do nothing about the board's own copy: that is no reason to reject.
                    raise RunFailed(f"this board cannot read its benchmark {name}: {error}") from error
            return self._loaded[name]

    def recognise(self, video_ids: Collection[str]) -> str:
        """The benchmark that most of these videos belong to.

        Raises:
            InputError: They belong to none of the board's benchmarks.
            RunFailed: They belong to none that can be read now, and some cannot be.
        """
        ids = frozenset(video_ids)
        shares: dict[str, int] = {}
        unread: RunFailed | None = None
        for name in self._bundled_first():
            try:
                shares[name] = len(ids.intersection(self.load(name).videos))
            except RunFailed as failure:
                unread = failure
                continue
            if shares[name] * 2 > len(ids):
                return name
        best = max(shares, key=lambda name: shares[name], default=None)
        if best is not None and shares[best]:
            return best
        if unread is not None:
            raise unread
        raise InputError(
            Problem(
                f"{len(ids):,} videos of which none is in {', '.join(self.names)}",
                "videos of a benchmark of this board",
                "check the ids, or name the benchmark",
            )
        )

    def name_of(self, benchmark: str) -> str | None:
        """The board's name of a benchmark that a run record names, for example its name on the Hub."""
        if benchmark in self.names:
            return benchmark
        for name in self._bundled_first():
            try:
                if self.load(name).name == benchmark:
                    return name
            except RunFailed:
                continue
        return None

    def _bundled_first(self) -> Iterator[str]:
        # The bundled one costs nothing to look into and shares no id with any other.
        yield from sorted(self.names, key=lambda name: name != SAMPLE_NAME)
