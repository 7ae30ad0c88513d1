"""Hand something in, follow it, see and withdraw what was handed in before."""

from __future__ import annotations

import streamlit as st

from leaderboard.site.access import board
from leaderboard.site.identity import sign_in
from leaderboard.site.show import FAILURES, show_failure
from leaderboard.site.submission_follow import follow
from leaderboard.site.submission_form import submission_form
from leaderboard.site.submission_list import submission_list

services = board().services
st.title("Submit")
st.caption(
    "Hand in captions, or a run that you scored yourself. The board checks, scores and shows them; you can withdraw "
    "them at any time."
)
try:
    holder = sign_in(services, why="everybody can read the board, handing in needs a token.")

    followed = st.query_params.get("submission")
    if followed:
        if st.button("Back to the form", key="back", icon=":material/arrow_back:"):
            del st.query_params["submission"]
            st.rerun()
        follow(services, holder, followed)
    elif holder is not None:
        sent = submission_form(services, holder)
        if sent is not None:
            st.query_params["submission"] = sent
            st.rerun()

    if holder is not None:
        chosen = submission_list(services, holder)
        if chosen is not None and chosen != followed:
            st.query_params["submission"] = chosen
            st.rerun()
except FAILURES as error:
    show_failure("This cannot be done now.", error)
