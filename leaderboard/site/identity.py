"""Who uses the page: a token typed in, or a login where the people who run the board have configured a provider."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from leaderboard.db.session import reading, writing
from leaderboard.failures import NotAllowed
from leaderboard.identities import Identity, holder_of
from leaderboard.services import Services
from leaderboard.tokens import Holder, find_holder, renew_key

_KEY: Final = "holder-key"
_TYPED: Final = "token"
_REFUSED: Final = "token-refused"


def current_holder(services: Services) -> Holder | None:
    """The person of this session, checked anew each time: a revoked token ends at once. None for everybody else."""
    key = st.session_state.get(_KEY)
    if isinstance(key, str):
        with reading(services.engine) as session:
            holder = find_holder(session, key)
        if holder is not None:
            return holder
        del st.session_state[_KEY]
    identity = _logged_in()
    if identity is None:
        return None
    try:
        return holder_of(services.engine, identity)
    except NotAllowed as error:
        st.session_state[_REFUSED] = str(error)
        return None


def sign_in(services: Services, *, why: str) -> Holder | None:
    """Show who is signed in, or the ways to sign in.

    Args:
        services: The open board.
        why: What signing in is good for here; the page's own words.

    Returns:
        The holder; None until somebody is.
    """
    holder = current_holder(services)
    with st.container(border=True):
        if holder is not None:
            _show_holder(services, holder)
        else:
            _ask(services, why)
    return holder


def login_configured() -> bool:
    """Whether the secrets of the pages name an identity provider."""
    try:
        return "auth" in st.secrets
    except StreamlitSecretNotFoundError:
        return False


def _logged_in() -> Identity | None:
    if not login_configured() or not st.user.get("is_logged_in"):
        return None
    name = st.user.get("name") or st.user.get("preferred_username") or ""
    subject = st.user.get("sub")
    return Identity(str(st.user.get("iss", "")), str(subject), str(name)) if subject else None


def _show_holder(services: Services, holder: Holder) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"Signed in as {holder.name}", width="stretch")
        logged_in = _KEY not in st.session_state
        if logged_in and st.button("New key for the command line", key="new-key", icon=":material/key:"):
            with writing(services.engine) as session:
                token = renew_key(session, holder.token_id)
            st.session_state["shown-key"] = token.key
        if st.button("Sign out", key="sign-out", icon=":material/logout:"):
            st.session_state.pop(_KEY, None)
            st.session_state.pop("shown-key", None)
            if logged_in:
                st.logout()
            st.rerun()
    if "shown-key" in st.session_state:
        st.caption("For vdc submit and the API, as VDC_LEADERBOARD_TOKEN. It is shown now and never again.")
        st.code(st.session_state["shown-key"], language=None)


def _ask(services: Services, why: str) -> None:
    st.markdown(f"**Sign in** – {why}")
    refused = st.session_state.pop(_REFUSED, None)
    with st.form("sign-in", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input(
            "Token", key=_TYPED, type="password", max_chars=200, placeholder="vdc_…", autocomplete="off"
        )
        sent = st.form_submit_button("Use this token", key="use-token", icon=":material/login:")
    if sent:
        _use(services, typed or "")
        refused = "found no valid token; expected one of this board: vdc_...; do next: copy the whole of it"
    if refused:
        st.error("That did not work.", icon=":material/block:")
        st.text(refused)
    if not login_configured():
        st.caption(
            "This board knows people by tokens only; no login provider is configured. Those who run it make a token "
            "with `vdc leaderboard token create NAME`. The token stays in this browser window and is sent nowhere else."
        )
    elif find_spec("authlib") is None:
        st.caption("A login provider is configured, but the package Authlib is not installed: only tokens work.")
    elif st.button("Log in", key="log-in", icon=":material/account_circle:"):
        st.login()


def _use(services: Services, key: str) -> None:
    with reading(services.engine) as session:
        holder = find_holder(session, key.strip())
    if holder is not None:
        st.session_state[_KEY] = key.strip()
        st.rerun()
