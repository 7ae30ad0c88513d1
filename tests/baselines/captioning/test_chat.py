from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("av", reason="PyAV is not installed (extra baselines)")
pytest.importorskip("PIL", reason="Pillow is not installed (extra baselines)")

from baselines.captioning.chat import Conversation, answers
from baselines.captioning.types import Frames, Turn
from baselines.cli.chat import chat
from vdc.errors import InputError, RunFailed
from vdc.llm.fake_server import FakeServer, FakeServerConfig


class Parrot:
    """Says how many pictures and earlier turns it was given, in two pieces."""

    def stream(self, frames: Frames, turns: Sequence[Turn]) -> Iterator[str]:
        assert turns[-1].answer is None
        assert all(turn.answer is not None for turn in turns[:-1])
        yield f"{len(frames)} pictures, "
        yield f"{len(turns) - 1} turns before {turns[-1].question} "


def test_a_conversation_remembers_complete_answers() -> None:
    talk = Conversation(Parrot(), [None, None])  # type: ignore[list-item]
    assert "".join(talk.ask("first?")) == "2 pictures, 0 turns before first? "
    started = talk.ask("left early?")
    next(started)
    assert "".join(talk.ask("second?")) == "2 pictures, 1 turns before second? "
    assert [turn.question for turn in talk.turns] == ["first?", "second?"]
    assert talk.turns[0].answer == "2 pictures, 0 turns before first?"
    talk.forget()
    assert "0 turns" in "".join(talk.ask("third?"))


def test_a_blank_question_is_refused() -> None:
    with pytest.raises(InputError, match="no question"):
        next(Conversation(Parrot(), []).ask("  "))


def test_questions_about_a_file_are_one_conversation(videos: Path) -> None:
    said = answers(Parrot(), videos / "a.mp4", ["one?", "two?"], frames=3)
    assert said == ["3 pictures, 0 turns before one?", "3 pictures, 1 turns before two?"]


def run(words: list[str], stdin: str = "") -> tuple[int, str, BaseException | None]:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(chat)
    done = CliRunner().invoke(app, words, input=stdin)
    return done.exit_code, done.stdout, done.exception


def test_questions_from_a_pipe_are_answered_line_by_line(videos: Path) -> None:
    said = lambda body: f"{len(body['messages'])} messages\x1b[2J"  # noqa: E731
    with FakeServer(said) as server:
        words = [str(videos / "one.mp4"), "--model", "eyes", "--base-url", server.base_url]
        code, out, _ = run(words, "What?\n\nAnd?\n/reset\nAgain?\n/quit\nnever asked\n")
        bodies = list(server.log)
    assert code == 0
    # an escape sequence of the model never reaches the terminal
    assert out.splitlines() == ["1 messages?[2J", "3 messages?[2J", "1 messages?[2J"]
    kinds = [part["type"] for part in bodies[1]["messages"][0]["content"]]
    assert kinds == ["image_url", "text"]
    assert bodies[1]["messages"][1] == {"role": "assistant", "content": "1 messages\x1b[2J"}


def test_a_server_without_an_answer_fails_the_run(videos: Path) -> None:
    with FakeServer(config=FakeServerConfig(models=("other",))) as server:
        _, _, error = run([str(videos / "one.mp4"), "-m", "eyes", "--base-url", server.base_url], "What?\n")
    assert isinstance(error, RunFailed)


@pytest.mark.parametrize(
    "words", [["-m", "a"], ["clip.mp4"], ["clip.mp4", "-m", "a", "-m", "b"]], ids=["no file", "no model", "two models"]
)
def test_one_model_and_one_file_are_needed(words: list[str]) -> None:
    _, _, error = run(words)
    assert isinstance(error, InputError)


def test_a_toy_model_talks(toy_folder: Path, videos: Path) -> None:
    words = [str(videos / "a.mp4"), "-m", str(toy_folder), "--device", "cpu", "--max-new-tokens", "5", "--frames", "2"]
    code, out, error = run(words, "What is it?\nSure?\n")
    assert (code, error) == (0, None)
    assert len(out.splitlines()) == 2
