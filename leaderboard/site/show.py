"""Ways of showing that every page uses: text from outside stays text, numbers keep their form, states are designed."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import streamlit as st
from sqlalchemy.exc import DBAPIError

from vdc.errors import InputError, Problem, VdcError

# Where the browser would make a link of an address that nothing marks as one; a backslash does not stop it.
_LINKING: Final = re.compile(r"(?<=://)|(?<=@)|(?<=www)(?=\.)", re.IGNORECASE)
_JOINER: Final = "\u2060"
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~:$&@/^=\"'])")
logger = logging.getLogger(__name__)

FAILURES: Final = (VdcError, DBAPIError)
"""What a page shows with :func:`show_failure`; anything else is a mistake in it."""

NO_VALUE: Final = "–"
"""Shown where there is no number; never a zero."""

LONG_TEXT: Final = 20_000
"""Characters of a caption that a page shows: more would stop the browser."""

_DATABASE_AWAY: Final = "The board cannot reach its database. Load the page again in a moment."


def inert(text: str) -> str:
    """Text from outside for a place that knows Markdown: nothing in it is markup, a link, an icon or a formula.

    Streamlit turns no text into HTML unless asked to, but Markdown alone could fetch a picture from anywhere. A bare
    address gets a character that is not seen, so that it stays words.
    """
    return _MARKUP.sub(r"\\\1", _LINKING.sub(_JOINER, " ".join(text.split())))


def percent(value: float | None, digits: int = 2) -> str:
    """An accuracy in [0, 1] as people read it."""
    return NO_VALUE if value is None else f"{100 * value:.{digits}f} %"


def percent_interval(interval: Sequence[float] | None, digits: int = 2) -> str:
    """Both ends of an accuracy's interval."""
    return NO_VALUE if interval is None else f"{100 * interval[0]:.{digits}f} – {100 * interval[1]:.{digits}f} %"


@dataclass(frozen=True, slots=True)
class Download:
    """One file to take away.

    Args:
        label: On the button.
        data: Its bytes, or what makes them when somebody clicks.
        name: Its name.
        mime: Its type.
    """

    label: str
    data: bytes | Callable[[], bytes]
    name: str
    mime: str


def downloads(files: Sequence[Download], *, key: str) -> None:
    """Buttons for what is shown; a click does not run the page again.

    What can no longer be made when somebody clicks is a file that says why: Streamlit would show no reason.
    """
    with st.container(horizontal=True):
        for file in files:
            st.download_button(
                file.label,
                file.data if isinstance(file.data, bytes) else partial(_made, file.data),
                file.name,
                file.mime,
                key=f"{key}-{file.name}",
                icon=":material/download:",
                on_click="ignore",
            )


def _made(make: Callable[[], bytes]) -> bytes:
    try:
        return make()
    except VdcError as error:
        return f"{error}\n".encode("utf-8", "replace")
    except DBAPIError as error:
        logger.error("database failure: %s", type(error.orig).__name__, exc_info=error)
        return f"{_DATABASE_AWAY}\n".encode()


def long_text(text: str) -> None:
    """A text from outside of any length: its beginning, wrapped, and how much more there is."""
    st.text(text[:LONG_TEXT], wrap=True)
    if len(text) > LONG_TEXT:
        st.caption(f"{len(text) - LONG_TEXT:,} more characters are not shown.")


def labelled(label: str, text: str) -> None:
    """A text from outside under a label of the page's own."""
    st.caption(label)
    long_text(text)


def nothing_here(what: str, do_next: str) -> None:
    """The empty state: what is missing and what to do about it. Both are the page's own words, never outside text."""
    with st.container(border=True):
        st.markdown(f"**{what}**")
        st.caption(do_next)


def show_failure(what: str, error: VdcError | DBAPIError) -> None:
    """A failure as found, expected, do next; never a traceback.

    Args:
        what: What could not be done, the page's own words.
        error: Why. Of a database's own error only its kind is shown: the text can hold addresses and statements.
    """
    st.error(what, icon=":material/error:")
    if isinstance(error, DBAPIError):
        logger.error("database failure: %s", type(error.orig).__name__, exc_info=error)
        st.text(_DATABASE_AWAY)
        return
    if not isinstance(error, InputError):
        st.text(str(error))
        return
    for problem in error.problems:
        _show_problem(problem)


def _show_problem(problem: Problem) -> None:
    lines = {"Found": problem.found, "Expected": problem.expected, "Do next": problem.do_next, "Where": problem.where}
    with st.container(border=True):
        st.text("\n".join(f"{name}: {text}" for name, text in lines.items() if text))
