"""Captioning in this process: frames of the next clips are read while the model writes about these."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from baselines.captioning.clips import read_clip
from baselines.captioning.types import CaptionJob, ClipCaptions, ClipModel, ClipQuestions, Media
from vdc.errors import InputError, Problem, RunFailed

logger = logging.getLogger(__name__)

READERS: Final = 2
GIVE_UP_AFTER: Final = 10
"""Clips in a row on which the model itself fails before the run is given up: the fault is then not the clips'."""


class LocalEngine:
    """Runs a model of this process over jobs; see :class:`baselines.captioning.types.CaptionEngine`.

    Args:
        model: The model; it says which frames it wants.
        batch_size: Clips that are captioned together.
    """

    def __init__(self, model: ClipModel, *, batch_size: int = 1) -> None:
        if batch_size < 1:
            raise InputError(Problem(f"a batch of {batch_size}", "1 or more", "raise --batch-size"))
        self._model = model
        self._view = model.view
        self._batch_size = batch_size
        self._failed_in_a_row = 0

    def facts(self) -> dict[str, Any]:
        """What identifies the model."""
        return self._model.facts()

    def run(self, jobs: Sequence[CaptionJob]) -> Iterator[ClipCaptions]:
        """One result per job, in order.

        Raises:
            RunFailed: The model fails on every clip.
        """
        ready: list[tuple[CaptionJob, Media]] = []
        for job, media in self._read_ahead(jobs):
            if isinstance(media, Problem):
                yield job.failed(media)
                continue
            ready.append((job, media))
            if len(ready) == self._batch_size:
                yield from self._caption(ready)
                ready = []
        if ready:
            yield from self._caption(ready)

    def _read_ahead(self, jobs: Sequence[CaptionJob]) -> Iterator[tuple[CaptionJob, Media | Problem]]:
        waiting = iter(jobs)
        pool = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="vdc-frames")
        queue: deque[tuple[CaptionJob, Future[Media | Problem]]] = deque()
        try:
            while True:
                while len(queue) < self._batch_size + READERS:
                    job = next(waiting, None)
                    if job is None:
                        break
                    queue.append((job, pool.submit(self._read, job)))
                if not queue:
                    return
                job, media = queue.popleft()
                yield job, media.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, job: CaptionJob) -> Media | Problem:
        try:
            return read_clip(job.clip, self._view)
        except InputError as error:
            return error.problems[0]

    def _caption(self, batch: Sequence[tuple[CaptionJob, Media]]) -> Iterator[ClipCaptions]:
        try:
            yield from self._answer(batch)
        except (InputError, RuntimeError, ValueError, IndexError) as error:  # out of memory is a RuntimeError
            if len(batch) > 1:
                logger.warning("a batch of %d failed (%s); its clips are tried one by one", len(batch), _words(error))
                for one in batch:
                    yield from self._caption([one])
                return
            job = batch[0][0]
            self._failed_in_a_row += 1
            logger.warning("%s: the model failed (%s)", job.clip.video_id, _words(error))
            if isinstance(error, InputError):
                yield job.failed(error.problems[0])
            else:
                problem = Problem(
                    f"a model that fails on this clip ({_words(error)})", "a caption", "lower --frames or --batch-size"
                )
                yield job.failed(problem)
            if self._failed_in_a_row >= GIVE_UP_AFTER:
                raise RunFailed(
                    f"found {GIVE_UP_AFTER} clips in a row on which the model fails, the last with {_words(error)}; "
                    "expected a model that runs here; do next: lower --frames or --batch-size, or try --quantize 4bit; "
                    "the same command goes on where it was"
                ) from error

    def _answer(self, batch: Sequence[tuple[CaptionJob, Media]]) -> list[ClipCaptions]:
        asked = [ClipQuestions(media, tuple(text for _, text in job.instructions)) for job, media in batch]
        answers = self._model.answer(asked)
        self._failed_in_a_row = 0
        return [
            ClipCaptions(job.clip.video_id, dict(zip([name for name, _ in job.instructions], texts, strict=True)))
            for (job, _), texts in zip(batch, answers, strict=True)
        ]


def _words(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
