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

from baselines.app.answers import Answer, Exchange, Upload, ask_model, page_models, remembered
from baselines.app.model_lines import parse_lines
from baselines.captioning.frame_rule import FrameRule
from baselines.captioning.types import ChatModel, Footage, Media, ModelSettings, Turn, View
from vdc.llm.fake_server import FakeServer

PAGE = Path(__file__).parents[3] / "baselines" / "app" / "try_model.py"


def picture() -> bytes:
    target = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(target, format="PNG")
    return target.getvalue()


class Echo:
    view = View(FrameRule(2))

    def __init__(self, name: str) -> None:
        self.name = name

    def stream(self, media: Media, turns: Sequence[Turn]) -> Iterator[str]:
        assert isinstance(media, Footage)
        yield f"{self.name}: "
        if self.name == "broken":
            raise RuntimeError("out of memory")
        yield f"{len(media.frames)} pictures, {len(turns)} turns, {turns[-1].question}"


def opened(settings: ModelSettings, base_url: str | None) -> ChatModel:
    assert base_url is None
    return Echo(settings.model)


def ask(name: str, upload: Upload, **options: Any) -> Answer:
    [line] = parse_lines(name, 9)
    return ask_model(line, upload, "What?", open_model=opened, **options)


def test_a_model_that_fails_is_an_answer_with_its_reason() -> None:
    shown: list[str] = []
    upload = Upload(picture(), "p.PNG")
    assert ask("a", upload, show=shown.append).text == "a: 1 pictures, 1 turns, What?"
    assert shown == ["a: ", "a: 1 pictures, 1 turns, What?"]
    broken = ask("broken", upload)
    assert (broken.text, broken.problem) == ("broken:", "out of memory")


def test_a_model_remembers_its_own_answers_and_not_those_it_failed_on() -> None:
    upload = Upload(picture(), "p.png")
    said = Exchange("First?", (Answer("a", "yes", "", 0.1), Answer("b", "no", "", 0.1)))
    failed = Exchange("Second?", (Answer("a", "half", "out of memory", 0.1),))
    assert "2 turns" in ask("a", upload, earlier=[said, failed]).text
    [line] = parse_lines("a", 9)
    assert remembered(line, [said, failed]) == [Turn("First?", "yes")]


def test_a_file_is_read_once_for_each_model(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    media = Footage([np.zeros((4, 4, 3), np.uint8)])
    monkeypatch.setattr("baselines.app.answers.read_media", lambda path, view: read.append(path.suffix) or media)
    upload = Upload(b"x", "clip.MP4")
    for name in ("a", "b", "a", "a"):
        ask(name, upload)
    assert read == [".mp4", ".mp4"]


def test_a_file_that_cannot_be_read_is_explained_without_its_folder() -> None:
    answer = ask("a", Upload(b"nothing", "clip.mp4"))
    assert answer.problem.startswith("found ")
    assert "do next" in answer.problem


def test_models_are_read_from_the_words_after_the_page() -> None:
    assert page_models(["--model", "x --fps 2", "--model", "y", "--other"]) == ["x --fps 2", "y"]


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


def test_the_page_shows_answers_side_by_side_as_plain_text_turn_after_turn(page: Any) -> None:
    with FakeServer(lambda body: f"<b>{body['model']}</b> **sees** {len(body['messages'])}") as server:
        page.run()
        lines = [f"one --base-url {server.base_url}", f"<i>two</i> --base-url {server.base_url}"]
        page.text_area(key="models").set_value("\n".join(lines))
        page.file_uploader(key="clip").set_value(("p.png", picture(), "image/png")).run()
        page.text_area(key="question-short").set_value("What?")
        page.button[0].click().run()
        page.text_area(key="question-short").set_value("And <b>now</b>?")
        page.button[0].click().run()
    assert not page.exception
    assert [text.value for text in page.text] == [
        "> What?",
        lines[0],
        "<b>one</b> **sees** 1",
        lines[1],
        "<b><i>two</i></b> **sees** 1",
        "> And <b>now</b>?",
        lines[0],
        "<b>one</b> **sees** 3",
        lines[1],
        "<b><i>two</i></b> **sees** 3",
    ]
    assert not page.markdown


def test_the_page_forgets_when_it_is_told_to(page: Any) -> None:
    with FakeServer(lambda body: "yes") as server:
        page.run()
        page.text_area(key="models").set_value(f"one --base-url {server.base_url}")
        page.file_uploader(key="clip").set_value(("p.png", picture(), "image/png")).run()
        page.button[0].click().run()
        assert [text.value for text in page.text][-1] == "yes"
        page.button(key="anew").click().run()
    assert not page.text


def test_a_local_model_and_one_on_a_server_stand_side_by_side(page: Any, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")
    from baselines.llama_vid.toy import write_toy

    folder = write_toy(tmp_path / "toy", seed=1)
    with FakeServer(lambda body: "from the server") as server:
        page.run()
        page.slider(key="length").set_value(32)  # the toy sees 512 positions, a letter each
        page.text_area(key="models").set_value(f"{folder}\nfar --base-url {server.base_url}\nlab/none --frames x")
        page.file_uploader(key="clip").set_value(("p.png", picture(), "image/png")).run()
        page.button[0].click().run()
        assert "invalid int" in page.error[0].value
        page.text_area(key="models").set_value(f"{folder}\nfar --base-url {server.base_url}").run()
        page.button[0].click().run()
    assert not page.exception
    assert not page.error
    assert page.text[-1].value == "from the server"
    assert len(page.text) in (4, 5)  # a random model may say nothing


def test_the_question_follows_the_section(page: Any) -> None:
    page.run()
    page.file_uploader(key="clip").set_value(("p.png", picture(), "image/png")).run()
    before = page.text_area(key="question-short").value
    page.selectbox(key="section").set_value("camera").run()
    assert page.text_area(key="question-camera").value != before
