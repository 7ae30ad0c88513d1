"""Read the board: rows, models, runs, verdicts, and what the audit found."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from leaderboard.api.access import Board, MaybeHolder
from leaderboard.api.errors import responses
from leaderboard.api.fields import CleanQuery, Identifier, PageNumber, PageSize, Slug
from leaderboard.board import BoardPage, BoardQuery, BoardReader, row_json
from leaderboard.board_rows import Metric, RowKind, rank_rows
from leaderboard.db.queries import RunInfo, board_rows, find_model, find_run, list_models, run_file
from leaderboard.db.session import reading
from leaderboard.failures import NotFound
from leaderboard.published_audit import RULES
from leaderboard.services import Services
from leaderboard.tokens import Holder
from leaderboard.verdict_pages import VerdictQuery, VerdictReader
from vdc.sections import Section

router = APIRouter(tags=["board"])

ProtocolName = Literal["strict", "observed", "official", "lmms_eval", "vlmevalkit"]
SectionName = Literal["short", "background", "main_object", "camera", "detailed", "average"]
Status = Literal["judged", "unparsed", "failed", "missing", "empty"]

_OBJECT: Final = {"schema": {"type": "object"}}
_CACHED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "As the header If-None-Match knows it."}}


def board_query(
    protocol: ProtocolName = "strict",
    metric: Metric = "accuracy",
    section: SectionName = "average",
    kind: RowKind | None = None,
    benchmark: CleanQuery = None,
    judge: CleanQuery = None,
    search: CleanQuery = None,
    figures: Annotated[bool, Query(description="With points read from published figures.")] = False,
    mixed: Annotated[bool, Query(description="Rank rows of different judges and protocols together.")] = False,
) -> BoardQuery:
    """The query parameters as a record."""
    return BoardQuery(protocol, metric, section, kind, benchmark, judge, search or "", figures, mixed)


def board_page(request: Request, query: Annotated[BoardQuery, Depends(board_query)]) -> BoardPage:
    """The answer to a board query."""
    reader: BoardReader = request.app.state.board
    return reader.page(query)


Page = Annotated[BoardPage, Depends(board_page)]


@router.get(
    "/board",
    response_class=Response,
    responses={200: {"content": {"application/json": _OBJECT}}} | _CACHED | responses(422, 503),
)
def read_board(request: Request, page: Page) -> Response:
    """The board as JSON. Rows of one group were judged alike and share ranks; a rank comes with its interval."""
    return _cached(request, page, page.json, "application/json")


@router.get(
    "/board.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}} | _CACHED | responses(422, 503),
)
def read_board_csv(request: Request, page: Page) -> Response:
    """The same rows as CSV."""
    headers = {"Content-Disposition": 'attachment; filename="vdc-board.csv"'}
    return _cached(request, page, page.csv, "text/csv; charset=utf-8", headers)


@router.get("/models", responses=responses(503))
def read_models(services: Board) -> list[dict[str, Any]]:
    """Captioners with at least one row."""
    with reading(services.engine) as session:
        return [asdict(model) for model in list_models(session)]


@router.get("/models/{slug}", responses=responses(404, 422, 503))
def read_model(slug: Slug, services: Board, protocol: ProtocolName = "strict") -> dict[str, Any]:
    """One captioner with all its rows; ranks are those among its own rows' groups on the board."""
    with reading(services.engine) as session:
        model = find_model(session, slug)
        mine = [] if model is None else board_rows(session, protocol, model_id=model.id)
        if model is None or not mine:
            raise NotFound("found no such model; expected the slug of one; do next: see /models")
        ids = {row.id for row in mine}
        ranked = [row for row in rank_rows(board_rows(session, protocol)) if row.id in ids]
        return {"name": model.name, "slug": model.slug, "rows": [row_json(row) for row in ranked]}


@router.get("/runs/{run_id}", responses=responses(401, 404, 422, 503))
def read_run(run_id: Identifier, services: Board, holder: MaybeHolder) -> dict[str, Any]:
    """A run's report with every protocol, and how it was checked."""
    run = _visible_run(services, run_id, holder)
    plain = asdict(run)
    del plain["token_id"]
    return plain


@router.get("/runs/{run_id}/verdicts", responses=responses(401, 404, 422, 503))
def read_verdicts(
    run_id: Identifier,
    request: Request,
    services: Board,
    holder: MaybeHolder,
    section: Section | None = None,
    video_id: CleanQuery = None,
    status: Status | None = None,
    match: bool | None = None,
    search: CleanQuery = None,
    page: PageNumber = 1,
    size: PageSize = 50,
) -> dict[str, Any]:
    """A run's verdicts, one row per question, by page."""
    run = _visible_run(services, run_id, holder)
    with reading(services.engine) as session:
        sha256 = run_file(session, run.id)
    if sha256 is None:
        raise NotFound("found a run without its verdicts; expected them in the file store; do next: tell the board")
    reader: VerdictReader = request.app.state.verdicts
    found = reader.page(sha256, VerdictQuery(section, video_id, status, match, search or "", page, size))
    return asdict(found)


@router.get("/audit", responses=responses(503))
def read_audit(services: Board) -> dict[str, Any]:
    """What is wrong with the published rows: the rules, and every finding."""
    with reading(services.engine) as session:
        rows = board_rows(session)
    flagged = [
        {"id": row.id, "model": row.model, "source": row.source, "setting": row.setting, "flags": list(row.flags)}
        for row in rows
        if row.flags
    ]
    return {"rules": RULES, "rows": flagged}


def _visible_run(services: Services, run_id: str, holder: Holder | None) -> RunInfo:
    with reading(services.engine) as session:
        run = find_run(session, run_id)
    owns = holder is not None and run is not None and (holder.is_admin or holder.token_id == run.token_id)
    if run is None or (run.private and not owns):
        raise NotFound("found no such run; expected the id of one that may be seen; do next: see /board")
    return run


def _cached(
    request: Request, page: BoardPage, body: bytes, media_type: str, headers: dict[str, str] | None = None
) -> Response:
    every = {"ETag": page.etag, "Cache-Control": "no-cache", **(headers or {})}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if page.etag in known:
        return Response(status_code=304, headers=every)
    return Response(body, media_type=media_type, headers=every)
