"""Links from one page to another that keep the session, and links to the outside."""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from leaderboard.site.show import inert


def model_link(label: str, slug: str) -> None:
    """A link to a captioner's page.

    Args:
        label: May be text from outside.
        slug: Its address.
    """
    try:
        st.page_link(
            "app_pages/model.py", label=inert(label), icon=":material/manage_search:", query_params={"model": slug}
        )
    except StreamlitPageNotFoundError:
        # A page that runs alone knows no other pages.
        st.markdown(f"[{inert(label)}](model?model={quote(slug)})")


def source_link(name: str, url: str | None, date: str | None) -> None:
    """Where numbers come from; an address that is not of the web is shown as text, never as a link.

    Args:
        name: Text from outside.
        url: Likewise.
        date: As precise as known.
    """
    when = f", {date}" if date else ""
    if url and url.startswith(("https://", "http://")):
        st.link_button(inert(f"{name}{when}"), url, icon=":material/open_in_new:", type="tertiary")
        return
    st.text(f"{name}{when}")
    if url:
        st.text(url)


def compare_link(run_id: str) -> None:
    """A link to the comparison of a run with another that is yet to be chosen."""
    label = "Compare this run with another"
    try:
        st.page_link("app_pages/compare.py", label=label, icon=":material/compare_arrows:", query_params={"a": run_id})
    except StreamlitPageNotFoundError:
        st.markdown(f"[{label}](compare?a={quote(run_id)})")
