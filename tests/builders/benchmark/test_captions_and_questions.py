"""The two steps that ask a model: what is sent, and what becomes of bad replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from builders.benchmark import build_benchmark
from builders.benchmark.build import BuildOptions
from builders.benchmark.captioning import clean_caption, unusable
from builders.benchmark.manifest import read_dropped, read_rows
from builders.benchmark.model import ClipCaptions, ClipQuestions
from tests.builders.fake_vision import pictures_of, section_of, text_of, vision_reply
from vdc.errors import InputError, RunFailed
from vdc.llm.fake_server import FakeServer
from vdc.sections import SECTIONS

Configure = Callable[..., Path]
Reply = Callable[[dict[str, Any]], str]


@pytest.fixture
def built(configure: Configure) -> Iterator[Callable[..., Any]]:
    """Runs a build with a given reply function; returns (folder, server, result)."""
    servers: list[FakeServer] = []

    def build(reply: Reply, until: str, **options: Any) -> tuple[Path, FakeServer, Any]:
        server = FakeServer(reply)
        servers.append(server)
        server.__enter__()
        config = configure(**options)
        result = build_benchmark(config, BuildOptions(base_url=server.base_url, until=until))
        return config.parent / "build", server, result

    yield build
    for server in servers:
        server.__exit__(None, None, None)


def test_every_call_sends_the_pictures_first_and_round_two_is_given_round_one(built: Callable[..., Any]) -> None:
    folder, server, _ = built(vision_reply, "captions")
    rows = {row.clip_id: row for row in read_rows(folder, "captions", ClipCaptions)}
    assert len(rows) == 3
    assert server.stats.requests == 3 * 5
    for body in server.log:
        kinds = [part["type"] for part in body["messages"][-1]["content"]]
        assert kinds == ["image_url"] * len(pictures_of(body)) + ["text"]
        assert len(pictures_of(body)) >= 2
        assert all(url.startswith("data:image/jpeg;base64,") for url in pictures_of(body))
    detailed = [text_of(body) for body in server.log if section_of(body) == "detailed"]
    for row in rows.values():
        assert any(all(row.captions[section] in text for section in SECTIONS[:4]) for text in detailed)
        assert list(row.captions) == list(SECTIONS)


def test_refusal_is_drawn_again_with_another_seed(built: Callable[..., Any]) -> None:
    def sometimes(body: dict[str, Any]) -> str:
        first = body["seed"] == 0 and section_of(body) == "camera"
        return "I'm sorry, I can't help with that." if first else vision_reply(body)

    folder, server, result = built(sometimes, "captions")
    assert result.complete
    assert server.stats.requests == 3 * 6
    again = [body for body in server.log if body["seed"] == 1]
    assert {section_of(body) for body in again} == {"camera"}
    assert all(body["temperature"] > 0 for body in again)
    assert all("sorry" not in row.captions["camera"] for row in read_rows(folder, "captions", ClipCaptions))


def test_clip_without_usable_caption_fails_and_the_rest_goes_on(built: Callable[..., Any]) -> None:
    victim: list[str] = []

    def one_fails(body: dict[str, Any]) -> str:
        pictures = "".join(pictures_of(body))
        if not victim:
            victim.append(pictures)
        return "" if pictures == victim[0] and section_of(body) == "short" else vision_reply(body)

    folder, _, result = built(one_fails, "captions")
    assert not result.complete
    (row,) = read_dropped(folder, "captions")
    assert (row.reason, row.kind, row.again) == ("unusable_caption", "failure", False)
    assert "3 unusable short captions" in row.found
    assert len(read_rows(folder, "captions", ClipCaptions)) == 2


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        (' "A cat sleeps." ', "A cat sleeps."),
        ("```\nA cat\n\nsleeps.\n```", "A cat sleeps."),
        ("<think>hm</think>A cat sleeps.", "A cat sleeps."),
    ],
)
def test_wrapping_of_a_caption_is_taken_off(text: str, caption: str) -> None:
    assert clean_caption(text) == caption


@pytest.mark.parametrize(
    ("caption", "cut", "good"),
    [
        ("A cat sleeps on a mat.", False, True),
        ("A cat sleeps on a", True, False),
        ("", False, False),
        ("A cat", False, False),
        ("I cannot describe this.", False, False),
        ("I’m sorry, no.", False, False),
        ("Sorry children cry.", False, True),
    ],
)
def test_unusable_captions_are_known(caption: str, cut: bool, good: bool) -> None:
    assert (unusable(caption, cut) == "") is good


def test_bad_questions_are_asked_for_again_with_the_reason(built: Callable[..., Any]) -> None:
    def first_half_bad(body: dict[str, Any]) -> str:
        if section_of(body) is not None or "<existing>" in text_of(body):
            return vision_reply(body)
        items = json.loads(vision_reply(body).split("```json")[1].split("```")[0])["questions"]
        items[1] = {"question": "What is on Mars?", "answer": "little green men", "category": "object"}
        return json.dumps({"questions": items[:6]})

    folder, server, result = built(first_half_bad, "questions")
    rows = read_rows(folder, "questions", ClipQuestions)
    assert all(len(row.questions[section]) == 12 for row in rows for section in SECTIONS)
    second = [text_of(body) for body in server.log if "<existing>" in text_of(body)]
    assert len(second) == 3 * 5
    assert all("little green men (the answer does not stand in the description)" in text for text in second)
    assert all("Write 8 other questions" in text for text in second)
    assert result.steps["questions"].notes["refused_answer_not_in_caption"] == 15


def test_unreadable_replies_are_bounded_and_drop_the_clip(built: Callable[..., Any]) -> None:
    def chatter(body: dict[str, Any]) -> str:
        return vision_reply(body) if section_of(body) else "I would rather talk about the weather."

    with pytest.raises(RunFailed, match="nothing left after the step questions"):
        built(chatter, "questions")


def test_too_few_questions_drop_the_clip_and_say_where(built: Callable[..., Any]) -> None:
    victim: list[str] = []

    def stingy(body: dict[str, Any]) -> str:
        text = text_of(body)
        if section_of(body) is not None or "In this camera view" not in text:
            return vision_reply(body)
        caption = text.split("<caption>")[2].split("</caption>")[0]
        if not victim:
            victim.append(caption)
        return '{"questions": []}' if caption == victim[0] else vision_reply(body)

    folder, _, result = built(stingy, "questions")
    (row,) = read_dropped(folder, "questions")
    assert (row.reason, row.kind, row.again) == ("too_few_questions", "failure", False)
    assert "camera 0" in row.found
    assert result.steps["questions"].kept == 2


def test_same_captions_and_questions_every_time(built: Callable[..., Any], tmp_path: Path) -> None:
    folder, _, _ = built(vision_reply, "questions")
    first = (folder / "questions" / "kept.jsonl").read_bytes()
    (tmp_path / "build" / "steps.json").unlink()
    from vdc.llm.store import default_store_path

    default_store_path().unlink()
    folder, server, _ = built(vision_reply, "questions")
    assert server.stats.requests == 3 * 10
    assert (folder / "questions" / "kept.jsonl").read_bytes() == first


def test_call_that_fails_is_tried_again_by_the_next_run(configure: Configure) -> None:
    from vdc.llm.fake_server import FakeServerConfig

    config = configure(model=", attempts: 1")
    # images over a limit: the server refuses the call for good, the run goes on
    with FakeServer(vision_reply, FakeServerConfig(response_format="ignore")) as server:
        original = server._answer

        def picky(content: bytes, digest: bytes) -> Any:
            from vdc.llm.fake_server import _error

            body = json.loads(content)
            if section_of(body) == "detailed" and "second" not in refused:
                refused.append("second")
                return _error(413, "too large", "too_large")
            return original(content, digest)

        refused: list[str] = []
        server._answer = picky  # type: ignore[method-assign]
        first = build_benchmark(config, BuildOptions(base_url=server.base_url, until="captions"))
        assert first.steps["captions"].failed == {"call_failed": 1}
        assert first.steps["captions"].again
        before = server.stats.requests
        second = build_benchmark(config, BuildOptions(base_url=server.base_url, until="captions"))
        assert second.complete
        assert second.done_now == ("captions",)
        # the four captions of round one are in the store: one call in all
        assert server.stats.requests == before + 1


def test_no_server_is_told_before_anything_is_sent(configure: Configure) -> None:
    with pytest.raises(InputError, match="--base-url"):
        build_benchmark(configure(), BuildOptions())
    assert build_benchmark(configure(), BuildOptions(until="frames")).complete


def test_model_is_the_one_the_server_serves(configure: Configure) -> None:
    from vdc.llm.fake_server import FakeServerConfig

    config = configure()
    config.write_text(config.read_text().replace("model: eye, ", ""))
    with FakeServer(vision_reply, FakeServerConfig(models=("only-one",))) as server:
        build_benchmark(config, BuildOptions(base_url=server.base_url, until="captions"))
        assert {body["model"] for body in server.log} == {"only-one"}
