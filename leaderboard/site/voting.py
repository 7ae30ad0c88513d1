"""One blind vote: two captions, four buttons, and only then who wrote which."""

from __future__ import annotations

import secrets
from typing import Final

import streamlit as st

from leaderboard.arena import Arena, Choice, Pair
from leaderboard.board_table import CELL_NAMES
from leaderboard.names import slug_of
from leaderboard.services import Services
from leaderboard.site.identity import current_holder
from leaderboard.site.links import model_link
from leaderboard.site.show import long_text, show_failure
from leaderboard.site.words import SECTION_MEANINGS
from vdc.errors import VdcError

_PAIR: Final = "arena-pair"
_DONE: Final = "arena-done"
_VOTER: Final = "arena-voter"
_LONG_TEXT: Final = 2_000
_LONG_PX: Final = 420
_SAYINGS: Final[dict[Choice, str]] = {
    "left": "You preferred the left caption.",
    "right": "You preferred the right caption.",
    "tie": "You found both equally good.",
}


def vote(services: Services, arena: Arena) -> bool:
    """Draw the pair of this session, or what its vote came to.

    Returns:
        Whether there is anything to vote on.
    """
    voter = _voter(services)
    pair = st.session_state.get(_PAIR)
    if pair is not None and not {pair.left_run, pair.right_run} <= arena.names().keys():
        # What was withdrawn is not shown again to a window that was open; that a vote came too late is.
        done = st.session_state.get(_DONE)
        _next()
        if isinstance(done, VdcError):
            show_failure("This vote does not count.", done)
        pair = None
    if pair is None:
        pair = st.session_state[_PAIR] = arena.next_pair(secrets.randbits(62), voter)
        if pair is None:
            return False
    st.text(f"Video {pair.video_id} · section {CELL_NAMES[pair.section]}")
    st.caption(f"This section asks for: {SECTION_MEANINGS[pair.section]}. Which caption does it better?")
    _captions(pair)
    if _DONE in st.session_state:
        _reveal(arena, pair, st.session_state[_DONE])
        return True
    choices: tuple[tuple[str, Choice, str], ...] = (
        ("Left is better", "left", ":material/arrow_back:"),
        ("Equally good", "tie", ":material/drag_handle:"),
        ("Right is better", "right", ":material/arrow_forward:"),
    )
    with st.container(horizontal=True, key="choices"):
        for label, choice, icon in choices:
            st.button(label, key=f"vote-{choice}", icon=icon, on_click=_cast, args=(arena, pair, choice, voter))
        st.button("Skip", key="vote-skip", type="tertiary", icon=":material/skip_next:", on_click=_next)
    return True


def _captions(pair: Pair) -> None:
    for column, side, text in zip(st.columns(2), ("Left", "Right"), (pair.left, pair.right), strict=True):
        # The buttons stay in reach of a caption that fills pages.
        with column.container(border=True, height=_LONG_PX if len(text) > _LONG_TEXT else "stretch"):
            st.caption(side)
            long_text(text)


def _cast(arena: Arena, pair: Pair, choice: Choice, voter: str) -> None:
    try:
        counted = arena.vote(pair, choice, voter)
    except VdcError as error:
        st.session_state[_DONE] = error
        return
    st.session_state[_DONE] = (choice, counted)


def _next() -> None:
    st.session_state.pop(_PAIR, None)
    st.session_state.pop(_DONE, None)


def _reveal(arena: Arena, pair: Pair, done: VdcError | tuple[Choice, bool]) -> None:
    if isinstance(done, VdcError):
        show_failure("This vote does not count.", done)
    else:
        choice, counted = done
        st.success(_SAYINGS[choice], icon=":material/how_to_vote:")
        if not counted:
            st.caption("You had voted on this pair before: the first vote counts.")
        names = arena.names()
        for column, run_id in zip(st.columns(2), (pair.left_run, pair.right_run), strict=True):
            if run_id in names:
                with column:
                    model_link(names[run_id], slug_of(names[run_id]))
    st.button("Next pair", key="next-pair", type="primary", icon=":material/skip_next:", on_click=_next)


def _voter(services: Services) -> str:
    """Who votes: the holder where one is signed in, else this window."""
    holder = current_holder(services)
    if holder is not None:
        return f"token {holder.token_id}"
    if _VOTER not in st.session_state:
        st.session_state[_VOTER] = f"window {secrets.token_hex(16)}"
    return str(st.session_state[_VOTER])
