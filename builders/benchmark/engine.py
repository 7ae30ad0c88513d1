"""Work on many items at once: threads on one machine, or Ray Data on many, with the same result.

Each item's outcome is written to a file of its own as soon as it is known, so that a killed build repeats only what was
under way. With Ray the build's folder must be one that every machine sees under the same path.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

from builders.benchmark.manifest import dump, fingerprint_of
from builders.benchmark.model import Dropped
from vdc.errors import MissingExtra, RunFailed
from vdc.fileio import write_atomic
from vdc.textio import read_json

EngineName = Literal["local", "ray"]
ENGINES: Final[tuple[EngineName, ...]] = ("local", "ray")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one item.

    Args:
        rows: Rows in JSON form.
        dropped: What was left out of it.
        files: Files that the rows name, relative to the build's folder.
    """

    rows: Sequence[Mapping[str, Any]] = ()
    dropped: Sequence[Dropped] = ()
    files: Sequence[str] = ()

    def to_text(self) -> str:
        """As one line of JSON."""
        dropped = [row.to_json() for row in self.dropped]
        return dump({"rows": list(self.rows), "dropped": dropped, "files": list(self.files)})


@dataclass(frozen=True, slots=True)
class Job:
    """What to do with every item.

    Args:
        task: ``module:function`` with ``function(item, settings, folder) -> Outcome``, because a function itself does
            not travel between machines.
        settings: JSON values; together with the item they decide the outcome.
        folder: The build's folder.
        cache: Folder of the outcomes, below the build's folder.
        version: Raised when the task changes.
    """

    task: str
    settings: Mapping[str, Any]
    folder: str
    cache: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Engine:
    """How items are worked on.

    Args:
        name: ``local`` or ``ray``.
        workers: Threads of the local engine; the number of cores when 0.
    """

    name: EngineName = "local"
    workers: int = 0

    def run(
        self, job: Job, items: Sequence[Mapping[str, Any]], told: Callable[[int], None] | None = None
    ) -> list[Outcome]:
        """The outcomes, in the order of the items.

        Args:
            job: What to do.
            items: JSON values.
            told: Called with the number of items done.

        Raises:
            MissingExtra: Ray is asked for and not installed.
        """
        texts = [json.dumps(item) for item in items]
        stream = self._run_ray(job, texts) if self.name == "ray" else self._run_local(job, texts)
        outcomes: list[Outcome | None] = [None] * len(texts)
        for done, (index, text) in enumerate(stream, 1):
            outcomes[index] = _read_outcome(json.loads(text))
            if told is not None:
                told(done)
        missing = [index for index, outcome in enumerate(outcomes) if outcome is None]
        if missing:
            raise RunFailed(
                f"found {len(missing)} items without an outcome; expected one for each; do next: repeat the command "
                "(it goes on with what is missing)"
            )
        return [outcome for outcome in outcomes if outcome is not None]

    def _run_local(self, job: Job, texts: Sequence[str]) -> Iterator[tuple[int, str]]:
        workers = self.workers or os.cpu_count() or 1
        pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="vdc-build")
        try:
            yield from enumerate(pool.map(partial(work, job), texts))
        finally:
            # Ctrl-C: what has not begun does not begin any more
            pool.shutdown(wait=True, cancel_futures=True)

    def _run_ray(self, job: Job, texts: Sequence[str]) -> Iterator[tuple[int, str]]:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray  # type: ignore[import-not-found,unused-ignore]
            import ray.data  # type: ignore[import-not-found,unused-ignore]
        except ImportError as error:
            raise MissingExtra("the engine ray", "ray") from error
        if not texts:
            return
        if not ray.is_initialized():
            ray.init(log_to_driver=False)
        ray.data.DataContext.get_current().enable_progress_bars = False
        rows = [{"index": index, "text": text} for index, text in enumerate(texts)]
        # a block per item: items are whole videos, and a block is what a lost machine has to repeat
        done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(partial(_work_row, job))
        try:
            for row in done.iter_rows():
                yield int(row["index"]), str(row["outcome"])
        except ray.exceptions.RayError as error:
            words = " ".join(str(error).split())[-300:]
            raise RunFailed(
                f"found that Ray gave up ({words}); expected every machine to have vdc-toolkit[builders] and to see "
                "the build's folder under the same path; do next: check that, and repeat the command (it resumes)"
            ) from error


def work(job: Job, text: str) -> str:
    """One item's outcome as JSON text: from its file, or worked out now and kept unless it may change next time."""
    item = json.loads(text)
    folder = Path(job.folder)
    name = fingerprint_of(job.task, job.version, job.settings, item)
    cached = folder / job.cache / f"{name}.json"
    known = _read_cached(cached, folder)
    if known is not None:
        return known
    module, _, function = job.task.partition(":")
    try:
        outcome: Outcome = getattr(import_module(module), function)(item, job.settings, folder)
        text = outcome.to_text()
        if not any(row.again for row in outcome.dropped):
            write_atomic(cached, text)
    except RunFailed as error:
        # a full disk: this item failed, the others may find room
        key = str(item.get("clip_id") or item.get("video_id") or item.get("name"))
        do_next = "free space, then repeat the command"
        return Outcome(dropped=[Dropped(key, "cannot_write", "failure", str(error), do_next, again=True)]).to_text()
    return text


def _work_row(job: Job, row: Mapping[str, Any]) -> dict[str, Any]:
    return {"index": row["index"], "outcome": work(job, row["text"])}


def _read_cached(path: Path, folder: Path) -> str | None:
    if not path.is_file():
        return None
    table = read_json(path, [])
    if not isinstance(table, dict) or not all((folder / name).is_file() for name in table.get("files", ())):
        return None
    return dump(table)


def _read_outcome(table: Mapping[str, Any]) -> Outcome:
    return Outcome(table["rows"], [Dropped.from_json(row) for row in table["dropped"]], table["files"])
