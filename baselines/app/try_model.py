"""Try models on a clip: upload, ask, compare, ask on. Draws only; what it does is in ``answers`` and ``model_lines``.

``vdc chat --page --model MODEL`` opens it.
"""

from __future__ import annotations

import hashlib
import sys

import streamlit as st

from baselines.app.answers import UPLOAD_TYPES, Answer, Exchange, Upload, ask_model, page_models
from baselines.app.model_lines import OPTIONS, parse_lines
from baselines.captioning.chat import open_chat_model
from baselines.captioning.instructions import load_instructions
from baselines.captioning.types import ChatModel, ModelSettings
from vdc.errors import VdcError
from vdc.sections import SECTIONS

# Models kept between questions: each may fill a GPU, and more are loaded anew for every question.
MOST_LOADED = 4

st.set_page_config(page_title="Try a captioner", layout="wide")


@st.cache_resource(max_entries=MOST_LOADED, show_spinner="Loading the model")
def loaded(settings: ModelSettings, base_url: str | None) -> ChatModel:
    """A model, kept between questions."""
    return open_chat_model(settings, base_url=base_url)


@st.cache_resource(max_entries=2, show_spinner=False)
def kept(sha256: str, _content: bytes, file_name: str) -> Upload:
    """A file, kept between questions, so that nothing is decoded twice."""
    del sha256  # the key: hashing it once is cheaper than letting the cache do it
    return Upload(_content, file_name)


def plain(text: str) -> str:
    """Text for a box that would read Markdown."""
    return "".join(f"\\{character}" if character in "\\`*_{}[]()#+-.!|<>$~:&" else character for character in text)


def draw_exchange(exchange: Exchange) -> None:
    """A question with its answers side by side."""
    st.text(f"> {exchange.question}")
    for column, answer in zip(st.columns(len(exchange.answers)), exchange.answers, strict=True):
        with column, st.container(border=True):
            # all as text: neither names nor what a model writes are markup
            st.text(answer.model)
            st.caption(f"{answer.elapsed_s:.1f} s")
            if answer.text:
                st.text(answer.text)
            if answer.problem:
                st.error(plain(answer.problem))
            elif not answer.text:
                st.info("The model said nothing.")


instructions = load_instructions()
st.session_state.setdefault("talk", [])

st.title("Try a captioner")
with st.sidebar:
    names = st.text_area(
        "Models, one per line",
        "\n".join(page_models(sys.argv[1:])),
        key="models",
        height=160,
        help="A folder or Hub name. Options may follow: " + ", ".join(f"`{name}`" for name in OPTIONS),
    )
    length = st.slider("Longest answer, tokens", 16, 1024, 256, 16, key="length")

given = st.file_uploader("Clip, picture, or feature file", type=list(UPLOAD_TYPES), key="clip")
if given is None:
    st.session_state.talk = []
    st.info("Upload a clip or a picture to begin.")
    st.stop()

content = given.getvalue()
digest = hashlib.sha256(content).hexdigest()
if st.session_state.get("shown") != digest:
    st.session_state.talk = []
    st.session_state.shown = digest
if (given.type or "").startswith("image"):
    st.image(content, width=480)
elif not given.name.lower().endswith(".pkl"):
    st.video(content, width=480)

talk: list[Exchange] = st.session_state.talk
for past in talk:
    draw_exchange(past)
latest = st.container()

section = st.selectbox("Section", SECTIONS, key="section")
with st.form("ask"):
    question = st.text_area("Question", instructions.instruction(section), key=f"question-{section}")
    asked = st.form_submit_button("Ask")
if talk and st.button("Begin anew", key="anew"):
    talk.clear()
    st.rerun()

if asked and not question.strip():
    st.warning("Write a question.")
elif asked:
    try:
        lines = parse_lines(names, length)
    except VdcError as error:
        st.error(plain(str(error)))
        st.stop()
    answers: list[Answer] = []
    with latest:
        st.text(f"> {question.strip()}")
        for column, line in zip(st.columns(len(lines)), lines, strict=True):
            with column, st.container(border=True):
                st.text(line.text)
                with st.spinner("Watching", show_time=True):
                    so_far = st.empty()
                    answers.append(
                        ask_model(
                            line,
                            kept(digest, content, given.name),
                            question.strip(),
                            earlier=talk,
                            open_model=loaded,
                            show=lambda text, place=so_far: place.text(text),  # type: ignore[misc]
                        )
                    )
    talk.append(Exchange(question.strip(), tuple(answers)))
    st.rerun()
