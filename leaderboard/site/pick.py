"""A choice that stands in the address by its id, while people read its name."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st


def pick(label: str, names: Mapping[str, str], *, key: str, placeholder: str, width: int | None = None) -> str | None:
    """Draw a select box and return the chosen id; None where nothing, or nothing that exists, is chosen.

    A box bound to the address would write the shown name there, which is not an id and can repeat.

    Args:
        label: Above the box.
        names: Id -> what is shown. Text from outside is fine: options are not markup.
        key: The query parameter.
        placeholder: Shown while nothing is chosen.
        width: In pixels; None for all there is.
    """
    wanted = st.query_params.get(key)
    box = f"pick-{key}"
    # The address decides: it also changes when a link on the page leads to the page itself.
    st.session_state[box] = wanted if wanted in names else None

    def remember() -> None:
        chosen = st.session_state[box]
        if chosen is None:
            st.query_params.pop(key, None)
        else:
            st.query_params[key] = chosen

    chosen: str | None = st.selectbox(
        label,
        list(names),
        index=None,
        format_func=lambda one: names[one],
        key=box,
        placeholder=placeholder,
        on_change=remember,
        width=width or "stretch",
    )
    return chosen
