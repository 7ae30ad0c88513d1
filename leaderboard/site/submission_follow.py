"""Where a submission stands: redrawn by itself until it is final, then its numbers or its reason."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import pandas as pd
import streamlit as st

from leaderboard.board_table import CELL_NAMES, KIND_NAMES, NO_TEXT, NOT_COMPARABLE, interval_text, shown
from leaderboard.db.models import State
from leaderboard.db.queries import find_run
from leaderboard.db.session import reading
from leaderboard.failures import NotFound
from leaderboard.names import slug_of
from leaderboard.services import Services
from leaderboard.site.links import model_link
from leaderboard.site.show import nothing_here, show_failure
from leaderboard.submission_views import report_cells
from leaderboard.tokens import Holder
from leaderboard.views import SubmissionView
from vdc.errors import InputError, Problem, RunFailed, VdcError

_INTERVAL_S: Final = 1.0
_ICONS: Final[dict[State, str]] = {
    State.RECEIVED: ":material/inbox:",
    State.VALIDATED: ":material/rule:",
    State.QUEUED: ":material/hourglass_top:",
    State.SCORING: ":material/play_circle:",
    State.SCORED: ":material/lock:",
    State.PUBLISHED: ":material/check_circle:",
    State.REJECTED: ":material/error:",
    State.FAILED: ":material/build:",
    State.WITHDRAWN: ":material/delete:",
}
_MEANS: Final[dict[State, str]] = {
    State.RECEIVED: "The files have arrived and are looked at.",
    State.VALIDATED: "The files can be read.",
    State.QUEUED: "It waits for a worker.",
    State.SCORING: "A worker is at it.",
    State.SCORED: "It is scored. It is private: only its token sees it.",
    State.PUBLISHED: "It is scored and stands on the board.",
    State.REJECTED: "Something is wrong with what was handed in. Correct it and send it again.",
    State.FAILED: "Something went wrong on the board's side. Send the same files again: they are tried again.",
    State.WITHDRAWN: "Files, numbers and votes are deleted for good. Only this fact is kept.",
}


def follow(services: Services, holder: Holder | None, submission_id: str) -> None:
    """Show a submission until it is final, then what became of it.

    Args:
        services: The open board.
        holder: Who asks; everybody may follow what is published.
        submission_id: As the address says it; need not exist.
    """
    try:
        view = services.submissions.get(holder, submission_id)
    except NotFound:
        nothing_here(
            "There is no such submission, or it is not yours to see.",
            "Sign in with the token that sent it, or check the address.",
        )
        return
    except VdcError as error:
        show_failure("The submission cannot be read now.", error)
        return
    _announce(view)

    def draw() -> None:
        now = services.submissions.get(holder, submission_id)
        _progress(now)
        if now.final and not view.final:
            st.rerun()

    # The interval ends with the submission: what is final is drawn once.
    st.fragment(draw, run_every=None if view.final else _INTERVAL_S)()
    if view.run_id is not None:
        _numbers(services, view)
    if holder is not None and view.transitions and view.state is not State.WITHDRAWN:
        _withdraw(services, holder, view)


def state_word(view: SubmissionView) -> str:
    """The state with its icon; the word alone says it, too."""
    place = f", place {view.position}" if view.position is not None else ""
    return f"{view.state.value}{place}"


def _announce(view: SubmissionView) -> None:
    sent = st.session_state.get("sent")
    if sent is not None and sent[0] == view.id:
        if sent[1]:
            st.caption("It was sent. This page follows it by itself; its address can be kept and opened again.")
        else:
            st.info(
                "The same content was sent before: this is that submission, nothing is scored twice.",
                icon=":material/content_copy:",
            )


def _progress(view: SubmissionView) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(state_word(view), icon=_ICONS[view.state], color=_color(view.state))
            if view.private:
                st.badge("private", icon=":material/lock:", color="gray")
        if view.model is not None:
            st.text(view.model)
        st.caption(_MEANS[view.state])
        facts = {"benchmark": view.benchmark, "kind": view.kind.value, "sent": _time(view.created_at), "id": view.id}
        st.text(" · ".join(f"{name} {text}" for name, text in facts.items() if text))
        if view.reason:
            _show_reason(view.reason)
    if view.transitions:
        steps = pd.DataFrame(
            {
                "Time (UTC)": [_time(step.at) for step in view.transitions],
                "State": [step.after.value for step in view.transitions],
                "By": [step.actor for step in view.transitions],
                "Reason": [step.reason for step in view.transitions],
            }
        )
        st.dataframe(steps, hide_index=True, key=f"steps-{view.id}", alt="Everything that happened to it")


def _show_reason(reason: str) -> None:
    """A recorded reason; its lines have the form that problems have."""
    problems = [problem for line in reason.splitlines() if (problem := _as_problem(line.strip())) is not None]
    error: VdcError = InputError(problems) if problems else RunFailed(reason)
    show_failure("What was found", error)


def _as_problem(line: str) -> Problem | None:
    where, _, rest = line.partition("found ")
    found, expected, rest = rest.partition("; expected ")
    wanted, _, do_next = rest.partition("; do next: ")
    return Problem(found, wanted, do_next, where.rstrip(" :")) if found and expected else None


def _numbers(services: Services, view: SubmissionView) -> None:
    with reading(services.engine) as session:
        run = find_run(session, view.run_id or "")
    if run is None:
        return
    st.subheader("Numbers")
    with st.container(horizontal=True, vertical_alignment="center"):
        verified = run.status == "verified"
        st.badge(KIND_NAMES[run.status], color="green" if verified else "orange")
        st.caption("The board judged it itself or again, and stands behind it." if verified else "Not verified:")
    if run.reason:
        st.text(run.reason)
    cells = report_cells(run.report)
    table = pd.DataFrame(
        {
            "Section": [CELL_NAMES[name] for name in cells],
            "Accuracy (%)": [shown(cell.accuracy, "accuracy") for cell in cells.values()],
            "95 % interval (%)": [interval_text(cell.accuracy_ci95, "accuracy") for cell in cells.values()],
            "Score (0–5)": [shown(cell.score, "score") for cell in cells.values()],
        }
    )
    two_digits = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(
        table,
        hide_index=True,
        column_config={"Accuracy (%)": two_digits, "Score (0–5)": two_digits},
        placeholder=NO_TEXT,
        key=f"numbers-{view.id}",
        alt="Accuracy and score by section",
    )
    st.caption("Protocol strict: what is missing, empty or unparsed counts as wrong. The judge:")
    st.text(run.judge)
    if not run.report["judge"].get("comparable"):
        st.caption(f"This judge is {NOT_COMPARABLE}: read these numbers only against each other.")
    if view.state is State.PUBLISHED and view.model is not None:
        model_link(f"All about {view.model}", slug_of(view.model))


def _withdraw(services: Services, holder: Holder, view: SubmissionView) -> None:
    with st.expander("Withdraw", icon=":material/delete:", key="withdraw-part"):
        st.caption("Deletes its files, numbers and votes for good. What was withdrawn cannot be brought back.")
        sure = st.checkbox("Yes, delete this submission", key="withdraw-sure")
        if st.button("Withdraw", key="withdraw", disabled=not sure, icon=":material/delete_forever:"):
            try:
                services.submissions.withdraw(holder, view.id)
            except VdcError as error:
                show_failure("It was not withdrawn.", error)
                return
            st.rerun()


def _color(state: State) -> Literal["green", "red", "gray", "blue"]:
    if state in (State.PUBLISHED, State.SCORED):
        return "green"
    if state in (State.REJECTED, State.FAILED):
        return "red"
    return "gray" if state is State.WITHDRAWN else "blue"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
