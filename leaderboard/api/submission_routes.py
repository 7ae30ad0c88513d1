"""Submit, follow, withdraw."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from leaderboard.api.access import Board, SomeHolder
from leaderboard.api.errors import responses
from leaderboard.api.fields import Identifier
from leaderboard.api.upload import FILE_FIELDS, Form, received_form
from leaderboard.db.models import State, SubmissionKind
from leaderboard.views import NewSubmission, SubmissionView
from vdc.errors import InputError, Problem

router = APIRouter(prefix="/submissions", tags=["submissions"])


class TransitionBody(BaseModel):
    """One recorded step."""

    before: State | None
    after: State
    at: datetime
    actor: str
    reason: str


class SubmissionBody(BaseModel):
    """A submission."""

    id: str
    kind: SubmissionKind
    state: State
    final: bool
    reason: str
    position: int | None
    model: str | None
    benchmark: str | None
    private: bool
    run_id: str | None
    row: Literal["verified", "reported"] | None
    row_reason: str
    created_at: datetime
    updated_at: datetime
    transitions: list[TransitionBody]


_KNOWN: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": SubmissionBody, "description": "The same was submitted before."}
}
_FILE: Final = {"type": "string", "format": "binary"}
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["model_name"],
                    "additionalProperties": False,
                    "properties": {
                        "model_name": {"type": "string", "minLength": 1, "maxLength": 120},
                        "kind": {"type": "string", "enum": [kind.value for kind in SubmissionKind]},
                        "predictions": {**_FILE, "description": "Captions in any format that vdc validate knows."},
                        "run_record": {**_FILE, "description": "run.json of a run folder."},
                        "verdicts": {**_FILE, "description": "verdicts.parquet of a run folder."},
                        "benchmark": {"type": "string", "description": "Default: recognised by its videos."},
                        "section": {"type": "string", "description": "Section of a file that does not say it."},
                        "private": {"type": "string", "enum": ["true", "false"]},
                        "frames": {"type": "integer", "minimum": 1},
                        "tokens_per_frame": {"type": "integer", "minimum": 1},
                        "model_url": {"type": "string", "maxLength": 500},
                        "note": {"type": "string", "maxLength": 2000},
                    },
                }
            }
        },
    }
}


@router.post(
    "",
    status_code=201,
    response_model=SubmissionBody,
    responses=_KNOWN | responses(400, 401, 413, 422, 429, 503),
    openapi_extra=_FORM,
)
async def create_submission(request: Request, response: Response, services: Board, holder: SomeHolder) -> Any:
    """Hand in captions, or a run folder. The same content again gives the same submission (status 200)."""
    service = services.submissions
    # Before the body: who may not submit need not send megabytes to hear so.
    await run_in_threadpool(service.check_limits, holder)
    async with received_form(request, services.settings.limits.upload_bytes) as form:
        view, is_new = await run_in_threadpool(service.submit, holder, _new_submission(form))
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"{request.scope.get('root_path', '')}/submissions/{view.id}"
    return _body(view)


@router.get("", responses=responses(401, 503))
def list_submissions(services: Board, holder: SomeHolder) -> list[SubmissionBody]:
    """The token's submissions, newest first, at most 100."""
    return [_body(view) for view in services.submissions.list_for(holder)]


@router.get("/{submission_id}", responses=responses(401, 404, 422, 503))
def follow_submission(submission_id: Identifier, services: Board, holder: SomeHolder) -> SubmissionBody:
    """Where a submission stands, why, and everything that happened to it."""
    return _body(services.submissions.get(holder, submission_id))


@router.delete("/{submission_id}", responses=responses(401, 403, 404, 422, 503))
def withdraw_submission(submission_id: Identifier, services: Board, holder: SomeHolder) -> SubmissionBody:
    """Delete a submission's files, numbers and votes for good."""
    return _body(services.submissions.withdraw(holder, submission_id))


def _body(view: SubmissionView) -> SubmissionBody:
    return SubmissionBody.model_validate(asdict(view))


def _new_submission(form: Form) -> NewSubmission:
    """The form as a record; everything wrong with it at once."""
    problems: list[Problem] = []
    texts = form.texts
    if not texts.get("model_name", "").strip():
        problems.append(Problem("no model_name", "the captioner's name", "add it", "model_name"))
    found = {file.role for file in form.files}
    default = SubmissionKind.RUN if FILE_FIELDS["verdicts"] in found else SubmissionKind.PREDICTIONS
    kind = _read(texts, "kind", SubmissionKind, default, problems)
    new = NewSubmission(
        model_name=texts.get("model_name", ""),
        kind=kind,
        files=form.files,
        benchmark=texts.get("benchmark") or None,
        section=texts.get("section") or None,
        private=_read(texts, "private", bool, False, problems),
        frames=_read(texts, "frames", int, None, problems),
        tokens_per_frame=_read(texts, "tokens_per_frame", int, None, problems),
        model_url=texts.get("model_url", ""),
        note=texts.get("note", ""),
    )
    if problems:
        raise InputError(problems)
    return new


def _read(texts: dict[str, str], name: str, kind: Any, default: Any, problems: list[Problem]) -> Any:
    text = texts.get(name, "").strip()
    if not text:
        return default
    try:
        return TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        shown = "".join(letter if letter.isprintable() else "?" for letter in text[:40])
        problems.append(Problem(f"{name} = {shown!r}", error.errors()[0]["msg"], "correct it, or leave it out", name))
        return default
