from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("av", reason="PyAV is not installed (extra baselines)")
pytest.importorskip("PIL", reason="Pillow is not installed (extra baselines)")

from baselines.captioning.chat import Conversation, answers
from baselines.captioning.frame_rule import FrameRule
from baselines.captioning.types import Footage, Media, Turn, View
from baselines.cli.chat import chat, talk
from tests.baselines.captioning.toy_families import Toy
from tests.builders.made_videos import moving_square
from vdc.errors import InputError, Problem, RunFailed
from vdc.llm.fake_server import FakeServer, FakeServerConfig

CLIP = Footage(moving_square(1, 2))


class Parrot:
    """Says how many pictures and earlier turns it was given, in two pieces."""

    view = View(FrameRule(3))

    def stream(self, media: Media, turns: Sequence[Turn]) -> Iterator[str]:
        assert isinstance(media, Footage)
        assert turns[-1].answer is None
        assert all(turn.answer is not None for turn in turns[:-1])
        yield f"{len(media.frames)} pictures, "
        yield f"{len(turns) - 1} turns before {turns[-1].question} "


def test_a_conversation_remembers_complete_answers() -> None:
    talk = Conversation(Parrot(), CLIP)
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
        next(Conversation(Parrot(), CLIP).ask("  "))


def test_questions_about_a_file_are_one_conversation(videos: Path) -> None:
    said = answers(Parrot(), videos / "a.mp4", ["one?", "two?"])
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


def test_a_question_that_cannot_be_answered_ends_a_pipe_and_not_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    class Forgetful(Parrot):
        def stream(self, media: Media, turns: Sequence[Turn]) -> Iterator[str]:
            if len(turns) > 1:
                raise InputError(Problem("a long talk", "a short one", "say /reset"))
            return super().stream(media, turns)

    said = ["one?", "two?", "/reset", "three?"]
    with pytest.raises(InputError, match="a long talk"):
        talk(Conversation(Forgetful(), CLIP), said)
    capsys.readouterr()
    talk(Conversation(Forgetful(), CLIP), said, forgiving=True)
    out, error = capsys.readouterr()
    assert [line.rpartition(" before ")[2].strip() for line in out.splitlines()] == ["one?", "", "three?"]
    assert error == "vdc: found a long talk; expected a short one; do next: say /reset"


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


def test_any_family_talks_about_a_video_and_a_picture(any_toy: Toy, videos: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (40, 20), "red").save(tmp_path / "p.png")
    for media in (videos / "a.mp4", tmp_path / "p.png"):
        words = [str(media), "-m", str(any_toy.native), "--device", "cpu", "--max-new-tokens", "5", "--fps", "4"]
        code, out, error = run(words, "What is it?\nSure?\n")
        assert (code, error) == (0, None)
        assert len(out.splitlines()) == 2


def test_llama_vid_talks_about_the_features_of_a_film(toys: dict[str, Toy], tmp_path: Path) -> None:
    import numpy as np

    from baselines.llama_vid.features import Film, write_published

    film = Film(np.ones((3, 17, 32), np.float16), "<image>Hello.<image><image>")
    write_published(film, tmp_path / "film.pkl")
    words = [str(tmp_path / "film.pkl"), "--device", "cpu", "--max-new-tokens", "5", "-m"]
    code, out, error = run([*words, str(toys["llama_vid"].native)], "Who?\nWhy?\n")
    assert (code, error) == (0, None)
    assert len(out.splitlines()) == 2
    _, _, error = run([*words, str(toys["llavolta"].native)], "Who?\n")
    assert "only LLaMA-VID reads features" in str(error)


def test_a_film_that_leaves_no_room_for_the_answer_is_refused_before_its_tokens_are_made(
    toys: dict[str, Toy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    from baselines.captioning.llama_vid_model import LlamaVid
    from baselines.llama_vid.features import Film, write_published

    write_published(Film(np.ones((60, 17, 32), np.float16), "<image>" * 60), tmp_path / "film.pkl")
    words = [str(tmp_path / "film.pkl"), "--device", "cpu", "-m", str(toys["llama_vid"].native), "--max-new-tokens"]
    code, _, error = run([*words, "5"], "Who?\n")
    assert (code, error) == (0, None)
    monkeypatch.delattr(LlamaVid, "_visual_tokens")
    _, _, error = run([*words, "200"], "Who?\n")
    assert "room for 200 more (60 frames); expected at most 512 positions" in str(error)


def test_a_file_that_is_not_there_is_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    _, _, error = run([str(tmp_path / "gone.mp4"), "-m", "lab/large"], "What?\n")
    assert isinstance(error, InputError)
    assert "no file" in str(error)


def test_the_page_starts_with_the_models_their_options_and_for_this_machine_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("streamlit", reason="Streamlit is not installed")
    started: list[list[str]] = []

    def note(command: list[str], check: bool) -> CompletedProcess[str]:
        started.append(command)
        return CompletedProcess(command, 0)

    monkeypatch.setattr("subprocess.run", note)
    code, _, _ = run(["--page", "-m", "lab/a", "-m", "lab/b --fps 3", "--compressor", "2,8"])
    assert code == 0
    [command] = started
    assert {"--server.address=127.0.0.1", "--server.maxUploadSize=1024"} <= set(command)
    assert command[command.index("--") + 1 :] == [
        *("--model", "lab/a --compressor 2,8"),
        *("--model", "lab/b --fps 3 --compressor 2,8"),
    ]
