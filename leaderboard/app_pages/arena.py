"""Blind votes between two captions of one video, and the ranking they make."""

from __future__ import annotations

import streamlit as st

from leaderboard.site.access import board
from leaderboard.site.show import FAILURES, nothing_here, show_failure
from leaderboard.site.standings import show_standings
from leaderboard.site.voting import vote

site = board()
st.title("Arena")
st.caption(
    "Two captions of one video, names hidden. Your choices make a ranking of their own, which can be held against "
    "VDCscore."
)

try:
    anything = vote(site.services, site.arena)
    groups = site.arena.standings()
except FAILURES as error:
    show_failure("The arena cannot be opened.", error)
    st.stop()
if not anything:
    if site.arena.captioners():
        nothing_here(
            "You have voted on every pair that was drawn.", "Come back when there are new captioners on the board."
        )
    else:
        nothing_here(
            "There is nothing to compare yet.",
            "The arena needs two public submissions of captions on one benchmark. Hand one in under Submit; a run "
            "takes part if its captions are beside it.",
        )

st.subheader("Standings")
if groups:
    show_standings(groups)
else:
    nothing_here("Nobody has voted yet.", "The first vote makes the first ranking.")

with st.expander("How it works, and what it cannot know", icon=":material/info:", key="arena-rules"):
    st.markdown(
        "- Ratings are Bradley–Terry strengths on the chess scale; a tie is half a win for each. Intervals come from "
        "drawing the votes again 200 times.\n"
        "- The board has no videos, only their ids: who does not look the video up judges how a caption reads, not "
        "whether it is true.\n"
        "- One voter has one vote on a pair. With a token or a login the voter is that holder. Without, it is the "
        "browser window: no cookie is set, and who opens a new window is a new voter. So take open votes as a hint, "
        "not as a measurement.\n"
        "- Kept of a vote: the choice, the pair, the time and a hash of the voter. It is deleted when one of the two "
        "submissions is withdrawn."
    )
