"""The open board of the process that draws the pages."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Final

import streamlit as st

from leaderboard.arena import Arena
from leaderboard.board import BoardReader
from leaderboard.db.queries import RunInfo, find_run
from leaderboard.db.session import reading
from leaderboard.failures import NotFound
from leaderboard.services import Services, open_board
from leaderboard.verdict_pages import VerdictReader


@dataclass(frozen=True, slots=True)
class SiteBoard:
    """What pages read from.

    Args:
        services: The open board.
        reader: Its rows.
        verdicts: Its verdict tables.
        arena: Its captions and votes.
    """

    services: Services
    reader: BoardReader
    verdicts: VerdictReader
    arena: Arena


_provided: Final[list[SiteBoard]] = []


def public_run(site: SiteBoard, run_id: str) -> RunInfo:
    """A run that everybody may see now; what a window was opened with may have left the board since.

    Raises:
        NotFound: It was withdrawn or made private.
    """
    with reading(site.services.engine) as session:
        run = find_run(session, run_id)
    if run is None or run.private:
        raise NotFound("found a run that has left the board; expected it there; do next: load the page again")
    return run


def provide(services: Services) -> None:
    """Let the pages of this process use a board that is open already, as where API and pages run together."""
    _provided[:] = [_site(services)]


def board() -> SiteBoard:
    """The board: the provided one, else the one of the environment, opened once per process.

    Raises:
        VdcError: It cannot be opened; the entrance shows why.
    """
    return _provided[0] if _provided else _open()


@st.cache_resource(max_entries=1, show_spinner="Opening the board")
def _open() -> SiteBoard:
    # Never left: the board stays open as long as the process that serves the pages.
    return _site(contextlib.ExitStack().enter_context(open_board()))


def _site(services: Services) -> SiteBoard:
    return SiteBoard(services, BoardReader(services.engine), VerdictReader(services.store), Arena(services))
