"""``vdc caption`` for Python users: videos in, a predictions file out, resumable at any point."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from baselines.captioning.clips import find_clips
from baselines.captioning.frame_choice import check_frames
from baselines.captioning.instructions import DEFAULT_SET, load_instructions
from baselines.captioning.output import FAILURES, CaptionFile, beside
from baselines.captioning.plan import ENGINES, EngineName, WorkerPlan, missing_jobs
from baselines.captioning.record import check_model, check_settings, settings_facts, write_record
from baselines.captioning.types import CaptionEngine, ModelSettings
from vdc.errors import InputError, Problem, unknown_name
from vdc.sections import SECTIONS, Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.captioning.types import CaptionJob

logger = logging.getLogger(__name__)

MOST_SERVER_CALLS: Final = 32
"""Default limit on calls in flight: each carries all frames of its clip."""


@dataclass(frozen=True, slots=True)
class CaptionOptions:
    """Where captions come from and go to; nothing here changes what a caption says.

    Args:
        out: Predictions file.
        videos: Folder of videos.
        benchmark: Benchmark whose videos are captioned.
        sections: Sections to write.
        instructions: Instruction set: a name or a TOML file.
        limit: Only the first so many videos.
        engine: ``local``, ``accelerate`` (a process per GPU), or ``ray`` (many machines).
        processes: Workers of the other two engines; None is one per GPU.
        device: As :func:`baselines.captioning.models.open_model`.
        batch_size: Clips captioned together.
        base_url: An OpenAI-compatible server that takes images, instead of a model in this process.
        concurrency: Most calls in flight on the server.
        store: Reply store for the server's replies; None is the user's own.
    """

    out: Path
    videos: Path | None = None
    benchmark: str | None = None
    sections: tuple[Section, ...] = SECTIONS
    instructions: str = DEFAULT_SET
    limit: int | None = None
    engine: EngineName = "local"
    processes: int | None = None
    device: str | None = None
    batch_size: int = 1
    base_url: str | None = None
    concurrency: int = MOST_SERVER_CALLS
    store: Path | None = None


@dataclass(frozen=True, slots=True)
class CaptionRun:
    """What a run came to.

    Args:
        out: The predictions file.
        videos: Videos asked for.
        wanted: Captions asked for.
        there_before: Of these, captions that an earlier run had written.
        written: Captions written by this run.
        failed: Captions that could not be written; the reasons are in ``failures``.
        failures: File with the reasons; None when nothing failed.
    """

    out: Path
    videos: int
    wanted: int
    there_before: int
    written: int
    failed: int
    failures: Path | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "schema_version": 1,
            "out": str(self.out),
            "videos": self.videos,
            "captions": {
                "wanted": self.wanted,
                "there_before": self.there_before,
                "written": self.written,
                "failed": self.failed,
            },
            "failures": None if self.failures is None else str(self.failures),
        }


def caption_videos(
    settings: ModelSettings,
    options: CaptionOptions,
    *,
    progress: Callable[[int], Callable[[int, int, bool], None]] | None = None,
    dry_run: bool = False,
) -> CaptionRun:
    """Write the captions that a predictions file still lacks.

    A video that cannot be read or captioned is recorded with its reason and the rest goes on; the next run tries it
    again. Every caption is on the disk before the next one is asked for.

    Args:
        settings: Model and decoding; the same as before where the file is continued.
        options: Where from, where to, on what.
        progress: Given the number of captions to write, returns a function that is told the captions written, those
            that failed, and whether the run is over.
        dry_run: Count only; nothing is loaded, asked or written.

    Raises:
        InputError: No such model, videos or instructions; or a file begun with other settings.
        RunFailed: The model or server cannot go on; the same call continues.
        MissingExtra: Packages are not installed.
    """
    _check(settings, options)
    instructions = load_instructions(options.instructions)
    clips = find_clips(options.videos, benchmark=options.benchmark, limit=options.limit)
    facts = settings_facts(settings, instructions)
    facts["served"] = options.base_url is not None
    wanted = len(clips) * len(options.sections)
    with _opened(options.out, dry_run) as file:
        if not dry_run:
            file.absorb_parts()
        jobs = missing_jobs(clips, options.sections, instructions, settings.seed, file.done)
        missing = sum(len(job.instructions) for job in jobs)
        known = check_settings(options.out, facts, len(file.done))
        if dry_run or not jobs:
            return CaptionRun(options.out, len(clips), wanted, wanted - missing, 0, 0, None)
        with _engine(settings, options) as engine:
            check_model(known, engine.facts(), options.out)
            file.start_failures()
            write_record(options.out, settings=facts, model=engine.facts(), benchmark=options.benchmark)
            show = progress(missing) if progress is not None else None
            written, failed = _write(engine, jobs, file, show)
            counts = {"videos": len(clips), "captions": len(file.done), "failed": failed}
            write_record(options.out, settings=facts, model=engine.facts(), benchmark=options.benchmark, counts=counts)
    failures = beside(options.out, FAILURES) if failed else None
    return CaptionRun(options.out, len(clips), wanted, wanted - missing, written, failed, failures)


def _write(
    engine: CaptionEngine, jobs: Sequence[CaptionJob], file: CaptionFile, show: Callable[[int, int, bool], None] | None
) -> tuple[int, int]:
    written = failed = 0
    try:
        for result in engine.run(jobs):
            file.add(result)
            written += len(result.captions)
            failed += len(result.failures)
            if show is not None:
                show(written, failed, False)
    finally:
        if show is not None:
            show(written, failed, True)
    return written, failed


@contextmanager
def _opened(out: Path, dry_run: bool) -> Iterator[CaptionFile]:
    if dry_run and not out.exists():
        # a dry run makes no file
        yield CaptionFile(out)
        return
    with CaptionFile(out) as file:
        yield file


@contextmanager
def _engine(settings: ModelSettings, options: CaptionOptions) -> Iterator[CaptionEngine]:
    if options.base_url is not None:
        from baselines.captioning.server import ServerEngine
        from vdc.llm.endpoint import parse_endpoint
        from vdc.llm.store import ReplyStore
        from vdc.settings import lookup, lookup_number

        endpoint = parse_endpoint(options.base_url)
        configured = lookup("store", None if options.store is None else str(options.store)).value
        with ReplyStore(Path(configured) if configured else None) as store:
            yield ServerEngine(endpoint, store, settings, options.concurrency, lookup_number("timeout_s"))
        return
    from baselines.captioning.checkpoints import find_checkpoint

    checkpoint = find_checkpoint(settings.model, settings.revision)
    plan = WorkerPlan(settings, checkpoint, options.batch_size, options.device)
    if options.engine == "accelerate":
        from baselines.captioning.on_accelerate import AccelerateEngine

        yield AccelerateEngine(plan, options.out, options.processes)
    elif options.engine == "ray":
        from baselines.captioning.on_ray import RayEngine

        yield RayEngine(plan, options.processes)
    else:
        from baselines.captioning.local import LocalEngine
        from baselines.captioning.models import open_model

        model = open_model(settings, device=options.device, checkpoint=checkpoint)
        yield LocalEngine(model, batch_size=options.batch_size)


def _check(settings: ModelSettings, options: CaptionOptions) -> None:
    check_frames(settings)
    problems = []
    if options.engine not in ENGINES:
        problems.append(unknown_name("engine", options.engine, ENGINES))
    ratio = settings.token_kept_ratio
    if ratio is not None and not 0.0 <= ratio <= 1.0:
        problems.append(
            Problem(
                f"--token-kept-ratio {ratio}", "a number from 0 to 1", "1 keeps every token; leave it out if unsure"
            )
        )
    if options.base_url is not None:
        problems += [
            Problem(
                f"{name} with a server", "an option that servers know", f"leave {name} out, or leave --base-url out"
            )
            for name, given in (
                (f"--engine {options.engine}", options.engine != "local"),
                (f"--token-kept-ratio {ratio}", ratio is not None),
                (f"--compressor {settings.compressor}", settings.compressor is not None),
                (f"--quantize {settings.quantize}", settings.quantize is not None),
            )
            if given
        ]
    problems += [
        Problem(f"{name} {value}", "1 or more", f"raise {name}")
        for name, value in (
            ("--batch-size", options.batch_size),
            ("--max-new-tokens", settings.max_new_tokens),
            ("--processes", 1 if options.processes is None else options.processes),
        )
        if value < 1
    ]
    if problems:
        raise InputError(problems)
