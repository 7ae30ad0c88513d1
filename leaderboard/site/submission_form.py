"""The form that hands a submission in: files are checked as soon as they are chosen, before anything is sent."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import streamlit as st

from leaderboard.intake import Intake
from leaderboard.received import GivenFile, Received, receive
from leaderboard.services import Services
from leaderboard.settings import MEGABYTE
from leaderboard.site.show import show_failure
from leaderboard.site.uploads import allow_uploads
from leaderboard.tokens import Holder
from leaderboard.views import NewSubmission
from vdc.errors import InputError, VdcError
from vdc.sections import SECTIONS

_ANY_BENCHMARK: Final = "recognise it by the videos"
_ANY_SECTION: Final = "as the file says"
_CHECKED: Final = "checked-files"
_SHOWN_PROBLEMS: Final = 20


def submission_form(services: Services, holder: Holder) -> str | None:
    """Draw the form.

    Returns:
        The id of what was sent just now; None otherwise.
    """
    allow_uploads()
    given, benchmark, section = _files_part(services)
    if not given:
        return None
    with TemporaryDirectory(prefix="vdc-form-") as scratch:
        try:
            received = receive(given, Path(scratch), services.settings.limits.upload_bytes)
        except VdcError as error:
            show_failure("These files cannot be sent as they are.", error)
            return None
        if received.left_out:
            st.caption(f"{len(received.left_out)} files of the run folder are not needed and stay here.")
        if not _check(services, received, benchmark, section):
            return None
        texts = _captioner_part()
        if texts is None:
            return None
        new = NewSubmission(kind=received.kind, files=received.files, benchmark=benchmark, section=section, **texts)
        return _send(services, holder, new)


def _files_part(services: Services) -> tuple[list[GivenFile], str | None, str | None]:
    limits = services.settings.limits
    st.subheader("1. Files")
    chosen = st.file_uploader(
        "A file of captions, or run.json and verdicts.parquet of a run folder with its captions beside them",
        key="new-files",
        accept_multiple_files=True,
        max_upload_size=max(1, limits.upload_bytes // MEGABYTE),
    )
    st.caption(
        "Captions: JSON Lines, JSON, xlsx, tsv, csv, or what lmms-eval, VLMEvalKit and the published script write; "
        f"gzip is fine. At most {limits.upload_bytes / MEGABYTE:g} MB together."
    )
    left, right = st.columns(2)
    benchmark = left.selectbox("Benchmark", (_ANY_BENCHMARK, *services.settings.benchmarks), key="new-benchmark")
    section = right.selectbox(
        "Section", (_ANY_SECTION, *SECTIONS), key="new-section", help="Only for files whose rows do not name a section."
    )
    given = [GivenFile(file.name, file, file.size) for file in chosen]
    for file in chosen:
        file.seek(0)
    return given, None if benchmark == _ANY_BENCHMARK else benchmark, None if section == _ANY_SECTION else section


def _check(services: Services, received: Received, benchmark: str | None, section: str | None) -> bool:
    """Show what the board would find in the files; whether they can be sent."""
    key = (received.digest, benchmark, section)
    known = st.session_state.get(_CHECKED)
    if known is None or known[0] != key:
        with st.spinner("Checking the files"):
            known = st.session_state[_CHECKED] = (key, _found(services, received, benchmark, section))
    found = known[1]
    if isinstance(found, Intake):
        st.success("The files can be sent.", icon=":material/check_circle:")
        st.text(found.note)
        if found.missing:
            st.warning(
                f"{found.missing:,} captions of these sections are missing. They count as wrong.",
                icon=":material/warning:",
            )
        return True
    shown = found
    if isinstance(found, InputError):
        shown = InputError(found.problems[:_SHOWN_PROBLEMS])
    show_failure("The board would reject these files.", shown)
    if isinstance(found, InputError) and len(found.problems) > _SHOWN_PROBLEMS:
        st.caption(f"And {len(found.problems) - _SHOWN_PROBLEMS:,} more; vdc validate FILE lists all of them.")
    return False


def _found(services: Services, received: Received, benchmark: str | None, section: str | None) -> Intake | VdcError:
    new = NewSubmission("check", received.kind, received.files, benchmark, section)
    try:
        return services.submissions.preview(new)
    except VdcError as error:
        return error


def _captioner_part() -> dict[str, Any] | None:
    """What the submitter says about the captioner; None until it is sent."""
    st.subheader("2. Captioner")
    with st.form("captioner", border=False):
        texts: dict[str, Any] = {
            "model_name": st.text_input("Name of the model", key="new-model-name", max_chars=120, required=True) or "",
            "model_url": st.text_input(
                "Web address",
                key="new-model-url",
                max_chars=500,
                placeholder="https://…",
                help="Of a paper or a model.",
            )
            or "",
        }
        left, right = st.columns(2)
        texts["frames"] = left.number_input("Frames per video", key="new-frames", min_value=1, value=None, step=1)
        texts["tokens_per_frame"] = right.number_input(
            "Visual tokens per frame", key="new-tokens-per-frame", min_value=1, value=None, step=1
        )
        texts["note"] = st.text_area("Note", key="new-note", max_chars=2000, height=80) or ""
        texts["private"] = st.checkbox(
            "Private: scored, but shown to nobody else and not on the board", key="new-private"
        )
        sent = st.form_submit_button("Send", key="send", type="primary", icon=":material/send:")
    return texts if sent else None


def _send(services: Services, holder: Holder, new: NewSubmission) -> str | None:
    try:
        services.submissions.check_limits(holder)
        view, is_new = services.submissions.submit(holder, new)
    except VdcError as error:
        show_failure("This was not sent.", error)
        return None
    st.session_state["sent"] = (view.id, is_new)
    return view.id
