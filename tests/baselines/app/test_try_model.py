"""The try-out page and the logic behind it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed (extra baselines)")
pytest.importorskip("av", reason="PyAV is not installed (extra baselines)")

from baselines.app.answers import Answer, ask_models, model_names, page_arguments
from baselines.captioning.types import ChatModel, Frames, ModelSettings, Turn
from vdc.errors import InputError
from vdc.llm.fake_server import FakeServer

PAGE = Path(__file__).parents[3] / "baselines" / "app" / "try_model.py"


def picture() -> bytes:
    target = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(target, format="PNG")
    return target.getvalue()


class Echo:
    def __init__(self, name: str) -> None:
        self.name = name

    def stream(self, frames: Frames, turns: Sequence[Turn]) -> Iterator[str]:
        if self.name == "broken":
            raise RuntimeError("out of memory")
        yield f"{self.name}: {len(frames)} {turns[0].question}"


def ask(names: list[str], content: bytes, file_name: str = "p.PNG") -> list[Answer]:
    def opened(settings: ModelSettings, base_url: str | None) -> ChatModel:
        assert base_url is None
        return Echo(settings.model)

    return ask_models(
        names, content, file_name, "What?", frames=4, token_kept_ratio=None, max_new_tokens=9, base_url=None,
        open_model=opened,
    )  # fmt: skip


def test_one_model_that_fails_does_not_take_the_others_with_it() -> None:
    found = ask(["a", "broken", "b"], picture())
    assert [(answer.model, answer.text) for answer in found] == [
        ("a", "a: 1 What?"),
        ("broken", ""),
        ("b", "b: 1 What?"),
    ]
    assert found[1].problem == "out of memory"


def test_a_file_that_cannot_be_read_is_explained_without_its_folder() -> None:
    [answer] = ask(["a"], b"nothing", "clip.mp4")
    assert "do next" in answer.problem
    assert "/" not in answer.problem.split("found")[0]


def test_no_model_is_bad_input() -> None:
    with pytest.raises(InputError, match="no model"):
        ask([], picture())


def test_names_and_arguments_are_read() -> None:
    assert model_names(" a \n\nb\na\n") == ["a", "b"]
    start = page_arguments(["--model", "x", "--model", "y", "--base-url", "http://h/v1", "--other"])
    assert (start.models, start.base_url) == (("x", "y"), "http://h/v1")


@pytest.fixture
def page() -> Any:
    pytest.importorskip("streamlit", reason="Streamlit is not installed")
    from streamlit.testing.v1 import AppTest

    return AppTest.from_file(str(PAGE), default_timeout=30)


def test_the_page_opens_and_asks_for_a_clip(page: Any) -> None:
    page.run()
    assert not page.exception
    assert page.title[0].value == "Try a captioner"
    assert "Upload" in page.info[0].value


def test_the_page_shows_answers_side_by_side_as_plain_text(page: Any) -> None:
    with FakeServer(lambda body: f"<b>{body['model']}</b> **sees**") as server:
        page.run()
        page.text_area(key="models").set_value("one\ntwo")
        page.text_input(key="base_url").set_value(server.base_url)
        page.file_uploader(key="clip").set_value(("p.png", picture(), "image/png")).run()
        page.button[0].click().run()
    assert not page.exception
    assert [text.value for text in page.text] == ["<b>one</b> **sees**", "<b>two</b> **sees**"]
    assert [head.value for head in page.subheader] == ["one", "two"]


def test_the_question_follows_the_section(page: Any) -> None:
    page.run()
    before = page.text_area(key="question-short").value
    page.selectbox(key="section").set_value("camera").run()
    assert page.text_area(key="question-camera").value != before
