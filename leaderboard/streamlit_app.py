"""The entrance of the pages: what they are, in which order, and what is shown where the board cannot be opened."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from leaderboard.site.access import board
from leaderboard.site.memory import settle_memory
from leaderboard.site.show import show_failure
from vdc.errors import VdcError

# A file of its own: browsers would fetch a Material icon for the tab from a foreign address.
ICON = Path(__file__).with_name("site") / "icon.svg"
st.set_page_config(page_title="VDC board", page_icon=str(ICON), layout="wide")

# A plain list: sections would hide the pages behind menus.
PAGES = [
    st.Page("app_pages/board.py", title="Board", icon=":material/leaderboard:", url_path="board", default=True),
    st.Page("app_pages/model.py", title="Model", icon=":material/manage_search:", url_path="model"),
    st.Page("app_pages/compare.py", title="Compare", icon=":material/compare_arrows:", url_path="compare"),
    st.Page("app_pages/efficiency.py", title="Efficiency", icon=":material/speed:", url_path="efficiency"),
    st.Page("app_pages/arena.py", title="Arena", icon=":material/how_to_vote:", url_path="arena"),
    st.Page("app_pages/submit.py", title="Submit", icon=":material/upload_file:", url_path="submit"),
    st.Page("app_pages/audit.py", title="Data audit", icon=":material/fact_check:", url_path="audit"),
    st.Page("app_pages/about.py", title="About", icon=":material/info:", url_path="about"),
]

page = st.navigation(PAGES, position="top")
try:
    board()
except VdcError as error:
    show_failure("The board cannot be opened.", error)
else:
    try:
        page.run()
    finally:
        settle_memory(page.url_path)
