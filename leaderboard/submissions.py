"""The one service behind API, command line, pages and workers: everything that happens to a submission."""

from __future__ import annotations

import logging
import secrets
import tempfile
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from leaderboard.benchmarks import Benchmarks
from leaderboard.db.base import utc_now
from leaderboard.db.models import OPEN_STATES, State, Submission, SubmissionFile, SubmissionKind, Token
from leaderboard.db.session import overwrite_deleted, reading, writing
from leaderboard.db.upsert import bump_version, lock_object, model_named
from leaderboard.failures import LimitReached, NotAllowed, NotFound
from leaderboard.intake import Intake, check_files
from leaderboard.job_replies import JobReplies
from leaderboard.names import check_name
from leaderboard.object_store import ObjectStore
from leaderboard.queue.interface import JobQueue
from leaderboard.settings import BoardSettings
from leaderboard.submission_details import check_details, content_key
from leaderboard.submission_views import submission_view
from leaderboard.tokens import Holder
from leaderboard.transitions import lock_submission, move
from leaderboard.views import NewSubmission, SubmissionView
from leaderboard.withdrawal import erase
from vdc.errors import InputError, RunFailed

logger = logging.getLogger(__name__)

BOARD: Final = "board"
SUBMITTER: Final = "submitter"
ADMIN: Final = "admin"

MAX_TRIES: Final = 10
"""At a submission that fails again and again on the board's side."""


class SubmissionService:
    """See the module's text. Safe to share between threads: every call opens its own session.

    Args:
        engine: The board's database.
        store: Its files.
        queue: Where jobs wait.
        settings: Limits and rules.
        benchmarks: The board's benchmarks; None loads those of the settings when needed.
    """

    def __init__(
        self,
        engine: Engine,
        store: ObjectStore,
        queue: JobQueue,
        settings: BoardSettings,
        benchmarks: Benchmarks | None = None,
    ) -> None:
        self.engine = engine
        self.store = store
        self.queue = queue
        self.settings = settings
        self.benchmarks = benchmarks or Benchmarks(settings.benchmarks)
        self.replies = JobReplies(settings.replies)

    def check_limits(self, holder: Holder) -> None:
        """Refuse early, before a body is read, what :meth:`submit` would refuse.

        Raises:
            LimitReached: Too many submissions in the last hour, or too many that are not final yet.
        """
        with reading(self.engine) as session:
            self._check_limits(session, holder)

    def preview(self, new: NewSubmission) -> Intake:
        """What :meth:`submit` would find, without keeping anything: for a form that checks before it sends.

        Raises:
            InputError: What would be refused or rejected; lists all of it.
            RunFailed: The board's own benchmark cannot be read.
        """
        details = check_details(new, self.benchmarks)
        with tempfile.TemporaryDirectory(prefix="vdc-preview-") as scratch:
            folder = Path(scratch)
            for file in new.files:
                (folder / file.role).symlink_to(file.path.resolve())
            try:
                return self._check(new.kind, folder, details, new.benchmark)
            except InputError as error:
                raise _without_place(error, scratch) from error
            except RunFailed:
                raise
            except Exception as error:
                logger.exception("files that were shown to the form could not be checked")
                raise RunFailed(
                    f"found files that cannot be checked ({type(error).__name__}); expected captions or the files of a "
                    "run as vdc score wrote them; do next: make them again"
                ) from error

    def submit(self, holder: Holder, new: NewSubmission) -> tuple[SubmissionView, bool]:
        """Take a submission in, check it and queue it. The same content again is the same submission.

        A submission that failed on the board's side is tried again; a rejected one is not, its content is the same.

        Returns:
            The submission, and whether it is new.

        Raises:
            InputError: A field or the set of files cannot be used; nothing was kept.
            LimitReached: See :meth:`check_limits`.
        """
        details = check_details(new, self.benchmarks)
        name = check_name(new.model_name, "model name")
        key = content_key(holder, name, new, details)
        with writing(self.engine) as session:
            # Submissions of one token are taken in one after another, so that limits and content keys hold.
            session.scalar(select(Token.id).where(Token.id == holder.token_id).with_for_update(key_share=True))
            known = session.scalar(
                select(Submission).where(Submission.content_key == key).with_for_update(key_share=True)
            )
            if known is None:
                self._check_limits(session, holder)
                submission_id = self._insert(session, holder, name, new, details, key)
            else:
                submission_id = known.id
                if known.state is State.FAILED:
                    if known.attempt >= MAX_TRIES:
                        raise LimitReached(
                            f"found {known.attempt} tries at this submission that all failed; expected fewer; do next: "
                            "tell the people who run this board",
                            retry_after_s=3600,
                        )
                    known.attempt += 1
                    for file in sorted(new.files, key=lambda file: file.sha256):
                        # It may have failed because they were gone.
                        lock_object(session, file.sha256, file.bytes)
                        self.store.put(file.path, file.sha256)
                    move(session, known, State.RECEIVED, actor=SUBMITTER, reason="submitted again")
        self.advance(submission_id)
        return self.get(holder, submission_id), known is None

    def get(self, holder: Holder | None, submission_id: str) -> SubmissionView:
        """A submission: its own token and admins see it always, everybody else once it is published.

        Raises:
            NotFound: There is none, or not for this caller.
        """
        with reading(self.engine) as session:
            found = session.get(Submission, submission_id)
            if found is None or not (_owns(holder, found) or (found.state is State.PUBLISHED and not found.private)):
                raise _no_submission(submission_id)
            return submission_view(session, found, whole=_owns(holder, found))

    def list_for(self, holder: Holder, *, limit: int = 100) -> list[SubmissionView]:
        """The token's submissions, newest first."""
        query = (
            select(Submission)
            .where(Submission.token_id == holder.token_id)
            .order_by(Submission.created_at.desc(), Submission.id)
            .limit(limit)
        )
        with reading(self.engine) as session:
            return [submission_view(session, found, whole=False) for found in session.scalars(query)]

    def withdraw(self, holder: Holder, submission_id: str) -> SubmissionView:
        """Delete a submission's files, numbers, votes and everything said about it; only the fact stays.

        Raises:
            NotFound: There is none, or not for this caller.
            NotAllowed: It is another token's.
        """
        with writing(self.engine) as session:
            found = lock_submission(session, submission_id)
            if found is None or not (_owns(holder, found) or (found.state is State.PUBLISHED and not found.private)):
                raise _no_submission(submission_id)
            if not _owns(holder, found):
                raise NotAllowed(
                    "found another token's submission; expected one of this token's; do next: use its token"
                )
            attempts = found.attempt
            if found.state is not State.WITHDRAWN:
                shown = found.state is State.PUBLISHED
                erase(session, found, self.store)
                mine = holder.token_id == found.token_id
                move(session, found, State.WITHDRAWN, actor=SUBMITTER if mine else ADMIN)
                if shown:
                    bump_version(session)
        for attempt in range(1, attempts + 1):
            self.queue.forget(submission_id, attempt)
        # A worker that is scoring it on another machine forgets its replies when it ends.
        self.replies.forget(submission_id)
        if not overwrite_deleted(self.engine):
            logger.warning("what was withdrawn stays in the database's write-ahead log until it is written anew")
        return self.get(holder, submission_id)

    def advance(self, submission_id: str) -> None:
        """Bring a submission as far as it goes without a worker: checked, queued, handed to the queue.

        May be called at any time by anybody: a step that is done is not done again. A process that died in between
        leaves the rest to the next call, see :meth:`sweep`.
        """
        self._validate(submission_id)
        with writing(self.engine) as session:
            found = lock_submission(session, submission_id)
            if found is not None and found.state is State.VALIDATED:
                move(session, found, State.QUEUED, actor=BOARD)
            waiting = found is not None and found.state is State.QUEUED
            attempt = found.attempt if found is not None else 0
        # After the commit: a worker must not meet a job whose submission it cannot see yet.
        if waiting:
            self.queue.enqueue(submission_id, attempt)

    def sweep(self, older_than_s: float = 30.0) -> int:
        """Advance what a process that died has left lying, and forget replies that nobody needs; returns how many."""
        before = utc_now() - timedelta(seconds=older_than_s)
        left = (State.RECEIVED, State.VALIDATED, State.QUEUED)
        query = select(Submission.id, Submission.state, Submission.attempt).where(
            Submission.state.in_(left), Submission.updated_at < before
        )
        with reading(self.engine) as session:
            rows = list(session.execute(query))
        self._forget_replies()
        # Where a withdrawal met a reader that stayed.
        overwrite_deleted(self.engine, patience_ms=200)
        moved = 0
        for submission_id, state, attempt in rows:
            if state is State.QUEUED and self.queue.state(submission_id, attempt) in ("waiting", "running"):
                continue
            logger.warning("submission %s was left %s; taking it up", submission_id, state)
            try:
                self.advance(submission_id)
            except Exception:
                # One that cannot be taken up must not keep the others, or the worker, from going on.
                logger.exception("submission %s could not be taken up", submission_id)
                continue
            moved += 1
        return moved

    def _forget_replies(self) -> None:
        kept = self.replies.kept()
        if not kept:
            return
        needed = select(Submission.id).where(
            Submission.id.in_(kept), Submission.state.in_((*OPEN_STATES, State.FAILED))
        )
        with reading(self.engine) as session:
            self.replies.keep_only(set(session.scalars(needed)))

    def _check_limits(self, session: Session, holder: Holder) -> None:
        limits = self.settings.limits
        mine = select(func.count()).select_from(Submission).where(Submission.token_id == holder.token_id)
        open_now = session.scalar(mine.where(Submission.state.in_(OPEN_STATES))) or 0
        if open_now >= limits.open_submissions:
            raise LimitReached(
                f"found {open_now} submissions of this token that are not final; expected fewer than "
                f"{limits.open_submissions}; do next: wait for one to end, or withdraw one",
                retry_after_s=30,
            )
        recent = session.scalar(mine.where(Submission.created_at > utc_now() - timedelta(hours=1))) or 0
        if recent >= limits.per_hour:
            raise LimitReached(
                f"found {recent} submissions of this token in the last hour; expected fewer than {limits.per_hour}; "
                "do next: try again later",
                retry_after_s=600,
            )

    def _insert(
        self, session: Session, holder: Holder, name: str, new: NewSubmission, details: dict[str, object], key: str
    ) -> str:
        submission = Submission(
            id=uuid.uuid4().hex,
            token_id=holder.token_id,
            content_key=key,
            kind=new.kind,
            state=State.RECEIVED,
            reason="",
            model_id=model_named(session, name).id,
            private=new.private,
            benchmark=new.benchmark,
            # The name as it was given: the model's own may be another submitter's spelling of it.
            details={**details, "model_name": name},
            attempt=1,
            sample_seed=secrets.randbits(62),
        )
        session.add(submission)
        session.flush()
        for file in sorted(new.files, key=lambda file: file.sha256):
            # In the order of the hashes: two submissions that share files never wait for each other in a circle.
            lock_object(session, file.sha256, file.bytes)
            self.store.put(file.path, file.sha256)
            session.add(
                SubmissionFile(submission_id=submission.id, sha256=file.sha256, role=file.role, name=file.name[:200])
            )
        move(session, submission, State.RECEIVED, actor=SUBMITTER)
        return submission.id

    def _validate(self, submission_id: str) -> None:
        with reading(self.engine) as session:
            found = session.get(Submission, submission_id)
            if found is None or found.state is not State.RECEIVED:
                return
            kind, details, named = found.kind, dict(found.details), found.benchmark
            files = {file.role: file.sha256 for file in found.files}
        after, reason, benchmark = State.VALIDATED, "", named
        with tempfile.TemporaryDirectory(prefix="vdc-intake-") as scratch:
            folder = Path(scratch)
            try:
                for role, sha256 in files.items():
                    self.store.fetch(sha256, folder / role)
                intake = self._check(kind, folder, details, named)
                benchmark, reason = intake.benchmark, intake.note
            except InputError as error:
                after, reason = State.REJECTED, str(error).replace(f"{scratch}/", "")
            except Exception:
                # Files made to hurt can fail in any way; none of them may take the process with it.
                logger.exception("submission %s could not be checked", submission_id)
                # What is wrong here is for the board's people, not for the submitter.
                after, reason = State.FAILED, "the board could not check it now; submit the same again later"
        with writing(self.engine) as session:
            locked = lock_submission(session, submission_id)
            if locked is not None and locked.state is State.RECEIVED:
                locked.benchmark = benchmark
                move(session, locked, after, actor=BOARD, reason=reason)

    def _check(self, kind: SubmissionKind, folder: Path, details: dict[str, object], named: str | None) -> Intake:
        return check_files(kind, folder, self.benchmarks, details, named, self.settings.limits.unpacked_bytes)


def _without_place(error: InputError, scratch: str) -> InputError:
    """The error without the board's own temporary folder in it."""
    return InputError([replace(one, where=one.where.replace(f"{scratch}/", "")) for one in error.problems])


def _owns(holder: Holder | None, submission: Submission) -> bool:
    return holder is not None and (holder.is_admin or holder.token_id == submission.token_id)


def _no_submission(submission_id: str) -> NotFound:
    shown = submission_id[:40] if submission_id.isprintable() else "?"
    return NotFound(
        f"found no submission {shown!r}; expected the id of one that this token may see; do next: check id and token"
    )
