"""Try models on a clip: upload, ask, compare. Draws only; what it does is in ``answers``.

``vdc chat --page --model MODEL`` opens it.
"""

from __future__ import annotations

import sys

import streamlit as st

from baselines.app.answers import UPLOAD_TYPES, ask_models, model_names, page_arguments
from baselines.captioning.chat import open_chat_model
from baselines.captioning.instructions import load_instructions
from baselines.captioning.types import ChatModel, ModelSettings
from vdc.errors import VdcError
from vdc.sections import SECTIONS

st.set_page_config(page_title="Try a captioner", layout="wide")


@st.cache_resource(max_entries=2, show_spinner="Loading the model")
def loaded(settings: ModelSettings, base_url: str | None) -> ChatModel:
    """A model, kept between questions; two at most, because each may fill a GPU."""
    return open_chat_model(settings, base_url=base_url)


start = page_arguments(sys.argv[1:])
instructions = load_instructions()

st.title("Try a captioner")
with st.sidebar:
    names = st.text_area("Models, one per line", "\n".join(start.models), key="models")
    base_url = st.text_input("Server (empty: run here)", start.base_url or "", key="base_url")
    frames = st.slider("Frames", 1, 64, 8, key="frames")
    merge = st.checkbox("Choose the share of visual tokens to keep", key="merge")
    ratio = st.slider("Share of visual tokens", 0.0, 1.0, 0.2, 0.05, key="ratio", disabled=not merge)
    length = st.slider("Longest answer, tokens", 16, 1024, 256, 16, key="length")

upload = st.file_uploader("Clip or picture", type=list(UPLOAD_TYPES), key="clip")
section = st.selectbox("Section", SECTIONS, key="section")
with st.form("ask"):
    question = st.text_area("Question", instructions.instruction(section), key=f"question-{section}")
    asked = st.form_submit_button("Ask")

if upload is None:
    st.info("Upload a clip or a picture to begin.")
else:
    content = upload.getvalue()
    if (upload.type or "").startswith("image"):
        st.image(content, width=480)
    else:
        st.video(content)
    if asked:
        try:
            answers = ask_models(
                model_names(names),
                content,
                upload.name,
                question,
                frames=frames,
                token_kept_ratio=ratio if merge else None,
                max_new_tokens=length,
                base_url=base_url.strip() or None,
                open_model=loaded,
            )
        except VdcError as error:
            st.error(str(error))
            answers = []
        for column, answer in zip(st.columns(max(1, len(answers))), answers, strict=False):
            with column:
                st.subheader(answer.model)
                st.caption(f"{answer.elapsed_s:.1f} s")
                if answer.problem:
                    st.error(answer.problem)
                else:
                    # as text: what a model writes is never markup
                    st.text(answer.text)
