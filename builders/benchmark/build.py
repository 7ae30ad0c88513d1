"""Running a build: the steps in order, each only when something it depends on has changed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from builders.benchmark.calls import Model, find_model
from builders.benchmark.config import ConfigFile, read_config
from builders.benchmark.context import Context
from builders.benchmark.engine import ENGINES, Engine, EngineName
from builders.benchmark.manifest import (
    StepRecord,
    fingerprint_of,
    is_done,
    manifest_paths,
    read_dropped,
    read_ledger,
    read_rows,
    write_manifests,
)
from builders.benchmark.model import ClipFrames, Dropped, StepName
from builders.benchmark.steps import STEP_NAMES, STEPS, Step
from vdc.errors import InputError, Problem, RunFailed, unknown_name
from vdc.fileio import show_path

if TYPE_CHECKING:
    from vdc.llm.stats import Progress

logger = logging.getLogger(__name__)

LOCK: Final = ".lock"


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to run a build; none of it changes the result.

    Args:
        out: The build's folder; the configuration's when None.
        until: Last step; all when None.
        redo: Do this step and all after it again.
        engine: ``local`` or ``ray``.
        workers: Threads of the local engine; one per core when 0.
        base_url, model: As in the configuration's ``model``, before it.
        store: File of the reply store; None is the user's own.
        push: Upload what was published.
    """

    out: Path | None = None
    until: str | None = None
    redo: str | None = None
    engine: str = "local"
    workers: int = 0
    base_url: str | None = None
    model: str | None = None
    store: Path | None = None
    push: bool = False


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build did.

    Args:
        folder: The build's folder.
        steps: Step -> its record, up to the last that was asked for.
        done_now: Steps that were done in this run; the others were done before.
        failures: Step -> what failed in it, also before.
        commit: Of the upload; None without one.
    """

    folder: Path
    steps: dict[StepName, StepRecord]
    done_now: tuple[StepName, ...]
    failures: dict[StepName, list[Dropped]] = field(default_factory=dict)
    commit: str | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing was left out because it failed. What rules leave out is no failure."""
        return not any(self.failures.values())


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What a run would do with a step: ``state`` is done, to do, or to repeat (something failed the last time)."""

    name: StepName
    state: str
    kept: int | None


def build_benchmark(
    config: Path | ConfigFile,
    options: BuildOptions | None = None,
    *,
    told: Callable[[str], None] | None = None,
    progress: Callable[[str], Callable[[Progress], None]] | None = None,
) -> BuildResult:
    """Make a benchmark from videos, or finish one that was begun.

    Every step leaves its manifests in a folder of its name and a line in ``steps.json``. A step is done again only when
    its settings, its input or its files have changed, or when something failed in it that may work now. A run may be
    killed at any time; the next one goes on, and asks the model nothing it has answered before.

    Args:
        config: The configuration, or its file.
        options: How to run.
        told: Receives lines for people.
        progress: Makes, from a noun, the receiver of progress of model calls.

    Raises:
        InputError: A configuration, option or local source that cannot be used.
        RunFailed: The model server gave out, the disk is full, nothing is left of the videos, or decisions are missing.
        MissingExtra: A package for videos or for the engine is not installed.

    Example:
        >>> from builders.benchmark import build_benchmark
        >>> build_benchmark(Path("build_benchmark.yaml")).complete  # doctest: +SKIP
        True
    """
    options = options or BuildOptions()
    file = config if isinstance(config, ConfigFile) else read_config(config)
    wanted = _wanted(file, options)
    context = make_context(file, options, told, progress)
    with _only_build_in(context.folder):
        return _run(context, wanted, options)


def _run(context: Context, wanted: Sequence[Step], options: BuildOptions) -> BuildResult:
    done_now: list[StepName] = []
    for step in wanted:
        redo = options.redo is not None and STEP_NAMES.index(step.name) >= _place(options.redo)
        fingerprint = fingerprint_for(context, step)
        if not redo and is_done(context.folder, step.name, fingerprint) and _files_there(context, step):
            _require_rows(context, step, read_ledger(context.folder)[step.name])
            continue
        context.told(step.name)
        outcome = step.run(context)
        record = write_manifests(
            context.folder, step.name, fingerprint, outcome.taken, outcome.rows, outcome.dropped, outcome.notes
        )
        done_now.append(step.name)
        context.told(f"  {describe(record)}")
        _require_rows(context, step, record)
    ledger = read_ledger(context.folder)
    names = [step.name for step in wanted]
    failures = {
        name: [row for row in read_dropped(context.folder, name) if row.kind == "failure"]
        for name in names
        if ledger[name].failed
    }
    commit = _push(context) if options.push else None
    return BuildResult(context.folder, {name: ledger[name] for name in names}, tuple(done_now), failures, commit)


def plan(file: ConfigFile, options: BuildOptions) -> list[PlannedStep]:
    """What a run would do, without doing it: a step after one that is not done counts as to do.

    Raises:
        InputError: As in :func:`build_benchmark`.
    """
    context = make_context(file, options)
    ledger = read_ledger(context.folder)
    planned: list[PlannedStep] = []
    ready = True
    for step in _wanted(file, options):
        record = ledger.get(step.name)
        redo = options.redo is not None and STEP_NAMES.index(step.name) >= _place(options.redo)
        ready = ready and not redo and is_done(context.folder, step.name, fingerprint_for(context, step))
        state = "done" if ready else "to repeat" if record is not None and record.again else "to do"
        planned.append(PlannedStep(step.name, state, record.kept if record is not None else None))
    return planned


def make_context(
    file: ConfigFile,
    options: BuildOptions,
    told: Callable[[str], None] | None = None,
    progress: Callable[[str], Callable[[Progress], None]] | None = None,
) -> Context:
    """What the steps of a build are given.

    Raises:
        InputError: No such engine.
    """
    engines: dict[str, EngineName] = {name: name for name in ENGINES}
    if options.engine not in engines:
        raise InputError(unknown_name("engine", options.engine, ENGINES))

    @cache
    def model() -> Model:
        return find_model(
            file.config.model,
            base_url=options.base_url,
            model=options.model,
            store=options.store,
            progress=progress,
        )

    return Context(
        file=file,
        # resolved: manifests hold paths relative to it, which lead astray from behind a symbolic link
        folder=build_folder(file, options).resolve(),
        engine=Engine(engines[options.engine], options.workers),
        model=model,
        told=told or logger.info,
    )


def build_folder(file: ConfigFile, options: BuildOptions) -> Path:
    """The folder of a build: the option's, else the configuration's."""
    return options.out if options.out is not None else file.resolve(file.config.out)


def fingerprint_for(context: Context, step: Step) -> str:
    """Hash of everything that decides a step's result."""
    ledger = read_ledger(context.folder)
    kept = [
        {name: digest for name, digest in ledger[need].files.items() if name.endswith("kept.jsonl")}
        for need in step.needs
        if need in ledger
    ]
    return fingerprint_of(step.name, step.version, step.settings(context), kept)


def describe(record: StepRecord) -> str:
    """A step's counts in one line."""
    parts = [f"{record.taken:,} in, {record.kept:,} out"]
    for counts, words in ((record.filtered, "left out"), (record.failed, "failed"), (record.notes, "")):
        if counts:
            listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
            parts.append(f"{words}: {listed}" if words else listed)
    return "; ".join(parts)


def _wanted(file: ConfigFile, options: BuildOptions) -> list[Step]:
    problems = [
        unknown_name("step", name, STEP_NAMES)
        for name in (options.until, options.redo)
        if name not in (None, *STEP_NAMES)
    ]
    if options.push and file.config.publish.repo is None:
        where = show_path(file.path)
        problems.append(Problem("--push without a repository", "publish.repo", "add it to the configuration", where))
    if options.push and options.until not in (None, "publish"):
        problems.append(Problem(f"--push with --until {options.until}", "a whole build", "leave one of them out"))
    if problems:
        raise InputError(problems)
    last = len(STEPS) if options.until is None else _place(options.until) + 1
    return list(STEPS[:last])


@contextmanager
def _only_build_in(folder: Path) -> Iterator[None]:
    """Makes the folder and holds it against a second build; what a killed one left half written is removed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("wb")
    except OSError as error:
        found = f"that it cannot be written ({error.strerror})"
        raise InputError(Problem(found, "a folder for the build", "choose another --out", show_path(folder))) from error
    with lock:
        # the lock ends with the process, however it ends; where the system has none, two builds are the user's care
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                problem = Problem("another build at work", "one at a time", "wait for it, or choose another --out")
                raise InputError(replace(problem, where=show_path(folder))) from error
        for path in folder.rglob("*.part"):
            path.unlink(missing_ok=True)
        yield


def _place(name: str) -> int:
    return next(place for place, step in enumerate(STEP_NAMES) if step == name)


def _files_there(context: Context, step: Step) -> bool:
    if step.rows_with_files is None:
        return True
    names: list[str] = []
    for row in read_rows(context.folder, step.name, step.rows_with_files):
        names += [frame.path for frame in row.frames] if isinstance(row, ClipFrames) else [row.path]
    return all((context.folder / name).is_file() for name in names)


def _require_rows(context: Context, step: Step, record: StepRecord) -> None:
    if record.kept:
        return
    dropped = manifest_paths(context.folder, step.name)[1]
    raise RunFailed(
        f"found nothing left after the step {step.name} ({describe(record)}); expected at least one row; do next: read "
        f"the reasons in {show_path(dropped)}, and change the configuration or the videos"
    )


def _push(context: Context) -> str:
    from builders.benchmark.publishing import FOLDER, push_to_hub, record_push

    settings = context.config.publish
    assert settings.repo is not None  # noqa: S101 - checked before the first step
    commit = push_to_hub(context.folder / FOLDER, settings.repo, private=settings.private)
    record_push(context.folder, settings.repo, commit)
    return commit
