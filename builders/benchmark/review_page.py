"""The page of ``vdc build benchmark CONFIG --review``; run by Streamlit, draws and nothing else.

``streamlit run review_page.py -- CONFIG OUT``
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import streamlit as st  # type: ignore[import-not-found,unused-ignore]

from builders.benchmark.config import read_config
from builders.benchmark.model import ClipQuestions, Item
from builders.benchmark.reviewing import ReviewDesk
from vdc.errors import VdcError
from vdc.sections import SECTIONS, Section


def draw(desk: ReviewDesk, name: str) -> None:
    """The whole page: progress, one clip, its captions and questions, and the decision about it."""
    st.title(f"Review: {name}")
    progress = desk.progress
    done = progress.accepted + progress.rejected
    words = f"{progress.accepted} accepted, {progress.rejected} rejected, {progress.open} open"
    st.progress(done / progress.clips if progress.clips else 1.0, text=words)
    if not desk.clip_ids:
        st.info("There is no clip to review.")
        return
    if "clip" not in st.session_state:
        st.session_state["clip"] = desk.next_open() or desk.clip_ids[0]
    with st.sidebar:
        reviewer = st.text_input("Your name", key="reviewer")
        clip_id = st.selectbox("Clip", desk.clip_ids, key="clip")
        st.caption(f"Decision so far: {desk.verdict(clip_id) or 'none'}")
        st.button("Next open clip", key="next", on_click=_go_on, args=(desk, clip_id))
    if progress.open == 0:
        st.success("Every clip is decided. Repeat the build command to go on.")
    st.video(str(desk.video(clip_id)))
    st.write({key: str(value) for key, value in desk.facts(clip_id).items()})
    row = desk.original(clip_id)
    for section, tab in zip(SECTIONS, st.tabs(list(SECTIONS)), strict=True):
        with tab:
            _draw_section(desk, row, section, reviewer)
    reason = st.text_input("Reason, if you reject the clip", key=f"reason-{clip_id}")
    accept, reject = st.columns(2)
    with accept:
        st.button(
            "Accept clip", key="accept", type="primary", on_click=_decide, args=(desk, clip_id, "accept", reviewer, "")
        )
    with reject:
        st.button("Reject clip", key="reject", on_click=_decide, args=(desk, clip_id, "reject", reviewer, reason))


def _draw_section(desk: ReviewDesk, row: ClipQuestions, section: Section, reviewer: str) -> None:
    place = f"{row.clip_id}-{section}"
    change = desk.current(row.clip_id, section)
    shown = change.text if change is not None and change.action == "edit" else row.captions[section]
    with st.form(f"form-{place}"):
        text = st.text_area("Caption", shown, key=f"caption-{place}", height=160)
        if st.form_submit_button("Save caption", key=f"save-{place}"):
            _try(lambda: desk.edit_caption(row.clip_id, section, text, reviewer=reviewer))
    for number, item in enumerate(row.questions[section]):
        _draw_question(desk, row.clip_id, section, number, item, reviewer)


def _draw_question(desk: ReviewDesk, clip_id: str, section: Section, number: int, item: Item, reviewer: str) -> None:
    place = f"{clip_id}-{section}-{number}"
    decision = desk.current(clip_id, section, item)
    edited = decision is not None and decision.action == "edit"
    shown = Item(decision.text, decision.answer, item.category) if decision is not None and edited else item
    state = f" ({decision.action})" if decision is not None and decision.action != "accept" else ""
    with st.expander(f"{number + 1}. {item.question}{state}"), st.form(f"form-{place}"):
        question = st.text_input("Question", shown.question, key=f"question-{place}")
        answer = st.text_input("Answer", shown.answer, key=f"answer-{place}")
        columns = st.columns(3)
        with columns[0]:
            save = st.form_submit_button("Save", key=f"edit-{place}")
        with columns[1]:
            reject = st.form_submit_button("Reject", key=f"reject-{place}")
        with columns[2]:
            restore = st.form_submit_button("As it was", key=f"restore-{place}")
    if save:
        _try(
            lambda: desk.decide_question(
                clip_id, section, item, "edit", question=question, answer=answer, reviewer=reviewer
            )
        )
    elif reject:
        _try(lambda: desk.decide_question(clip_id, section, item, "reject", reviewer=reviewer))
    elif restore:
        _try(lambda: desk.decide_question(clip_id, section, item, "accept", reviewer=reviewer))


def _decide(desk: ReviewDesk, clip_id: str, action: str, reviewer: str, reason: str) -> None:
    desk.decide_clip(clip_id, "accept" if action == "accept" else "reject", reviewer=reviewer, reason=reason)
    _go_on(desk, clip_id)


def _go_on(desk: ReviewDesk, clip_id: str) -> None:
    st.session_state["clip"] = desk.next_open(clip_id) or clip_id


def _try(change: Callable[[], None]) -> None:
    try:
        change()
    except VdcError as error:
        st.error(str(error))
    else:
        st.rerun()


def main() -> None:
    """Reads the configuration and the folder from the command line."""
    st.set_page_config(page_title="VDC review", layout="wide")
    config, folder = sys.argv[1:3]
    try:
        file = read_config(Path(config))
        # read anew on every run: several reviewers may work on one build
        desk = ReviewDesk.of(file.config, Path(folder))
    except VdcError as error:
        st.error(str(error))
        return
    draw(desk, file.config.name)


if __name__ == "__main__":
    main()
