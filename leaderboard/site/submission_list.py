"""What a token has handed in."""

from __future__ import annotations

from typing import Final

import pandas as pd
import streamlit as st

from leaderboard.board_table import KIND_NAMES
from leaderboard.services import Services
from leaderboard.site.show import NO_VALUE, nothing_here
from leaderboard.site.submission_follow import state_word
from leaderboard.tokens import Holder

_MOST: Final = 100


def submission_list(services: Services, holder: Holder) -> str | None:
    """Draw the list; returns the id of the one that was chosen just now."""
    st.subheader("Your submissions")
    views = services.submissions.list_for(holder, limit=_MOST)
    if not views:
        nothing_here("Nothing was handed in with this token yet.", "Choose a file above.")
        return None
    table = pd.DataFrame(
        {
            "Model": [view.model or NO_VALUE for view in views],
            "State": [state_word(view) for view in views],
            "Sent (UTC)": [f"{view.created_at:%Y-%m-%d %H:%M}" for view in views],
            "Row": [KIND_NAMES[view.row] if view.row else NO_VALUE for view in views],
            "Seen by": ["you" if view.private else "everybody" for view in views],
            "Benchmark": [view.benchmark or NO_VALUE for view in views],
        }
    )
    # A key per selection: after a choice the next drawing starts without one, so the same row can be chosen again.
    place = st.session_state.setdefault("submission-list", 0)
    event = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"submissions-{place}",
        alt="What this token handed in, newest first",
    )
    st.caption("Choose a row to follow it." + (f" The newest {_MOST} are shown." if len(views) == _MOST else ""))
    chosen = event["selection"]["rows"]
    if not chosen:
        return None
    st.session_state["submission-list"] = place + 1
    return views[chosen[0]].id
