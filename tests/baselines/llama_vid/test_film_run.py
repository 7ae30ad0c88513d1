"""From a video to an answer: extraction that survives being killed, the command, questions about stored features."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.captioning.checkpoints import Checkpoint
from baselines.cli.features import features
from baselines.common.images import ImageSpec
from baselines.common.positions import context_length
from baselines.common.shards import read_json
from baselines.llama_vid.config import extended_rope
from baselines.llama_vid.features import Film, extract_film, read_film
from baselines.llama_vid.film_answer import answer_about_film, film_inputs
from baselines.llama_vid.film_tower import load_tower
from baselines.llama_vid.load import load_processor
from baselines.llama_vid.subtitles import Subtitle
from baselines.llama_vid.toy import toy_config, toy_model, write_toy
from vdc.errors import InputError

ROOT = Path(__file__).parents[3]
SPEC = ImageSpec(56)

SLOW = """
import sys, time
from baselines.common.images import ImageSpec
from baselines.llama_vid.features import extract_film
from baselines.llama_vid.toy import toy_model
extract_film(toy_model(), ImageSpec(56), sys.argv[1], sys.argv[2], fps=10, block=4, told=lambda *_: time.sleep(0.3))
"""


@pytest.fixture(scope="module")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("toy") / "model")


def test_killed_in_the_middle_it_goes_on_and_ends_with_the_same_features(
    toy_vid: Any, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    clip = make_clip(30)
    whole = extract_film(toy_vid, SPEC, clip, tmp_path / "whole", fps=10)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(clip), str(tmp_path / "f")],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    progress = tmp_path / "f" / "progress.json"
    until = time.monotonic() + 120
    while not (progress.is_file() and read_json(progress)["done"]):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = read_json(progress)["done"]
    assert 0 < done < 30
    told: list[int] = []
    film = extract_film(toy_vid, SPEC, clip, tmp_path / "f", fps=10, block=4, told=lambda done, _: told.append(done))
    assert told[0] == done + 4
    np.testing.assert_array_equal(film.features, whole.features)


def test_another_tower_does_not_go_on_with_the_first_ones_features(
    make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    clip = make_clip(4)
    extract_film(toy_model(seed=0), SPEC, clip, tmp_path / "f", fps=10)
    with pytest.raises(InputError, match="tower"):
        extract_film(toy_model(seed=1), SPEC, clip, tmp_path / "f", fps=10)


def test_new_subtitles_need_no_second_extraction(
    toy_vid: Any, make_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(4)
    extract_film(toy_vid, SPEC, clip, tmp_path / "f", fps=10)
    monkeypatch.setattr(toy_vid.model.vision_tower, "forward", lambda _: pytest.fail("the tower ran again"))
    film = extract_film(toy_vid, SPEC, clip, tmp_path / "f", fps=10, subtitles=[Subtitle(0, 0.15, "Hi")])
    assert film.inputs == "<image><image>Hi<image><image>"


@pytest.mark.parametrize("layout", ["native", "official"])
def test_the_tower_alone_makes_the_features_of_the_whole_model(tmp_path: Path, layout: str, toy_vid: Any) -> None:
    import torch

    loaded = load_tower(write_toy(tmp_path / "m", layout=layout))
    pixels = torch.rand(2, 3, 56, 56)
    torch.testing.assert_close(loaded.tower(pixels), toy_vid.model.encode_frames(pixels), atol=1e-2, rtol=1e-2)
    assert loaded.spec.size == 56


def run(*arguments: object) -> Any:
    app = Typer()
    app.command()(features)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_writes_a_published_file_and_leaves_nothing_beside_it(
    toy_folder: Path, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "film.srt").write_text("1\n00:00:00,000 --> 00:00:00,350\nThe door opens.\n", encoding="utf-8")
    out = tmp_path / "film.pkl"
    done = run(make_clip(10), "--model", toy_folder, "--fps", 5, "--subtitles", tmp_path / "film.srt", "--out", out)
    assert done.exit_code == 0, done.output
    assert "5 frames of 17 x 32, 1 subtitles" in done.output
    assert read_film(out).inputs == "<image><image>The door opens.<image><image><image>"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.pkl", "film.srt"]
    again = run(make_clip(10), "--model", toy_folder, "--out", out)
    assert isinstance(again.exception, InputError)


def test_a_file_whose_writing_was_killed_leaves_nothing_behind_when_it_is_done(
    toy_folder: Path, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    clip, out = make_clip(4), tmp_path / "film.pkl"
    words = [clip, "--model", toy_folder, "--fps", 5, "--out", out]

    def killed(film: Film, path: Path) -> None:
        path.with_name(f".{path.name}.1.part").touch()
        raise SystemExit(9)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("baselines.llama_vid.features.write_published", killed)
        assert run(*words).exit_code == 9
    assert not out.exists()
    assert run(*words).exit_code == 0
    assert [path.name for path in tmp_path.iterdir() if path != clip] == ["film.pkl"]


def test_no_rate_is_refused_before_the_tower_is_loaded(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    done = run(make_clip(4), "--model", tmp_path / "none", "--fps", 0, "--out", tmp_path / "film.pkl")
    assert "--fps 0; expected a positive number" in str(done.exception)


def test_a_model_of_the_hub_is_found_by_its_name(
    toy_folder: Path, make_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = {
        "lab/film": Checkpoint(str(toy_folder), "llama_vid", "Converted", revision="c0"),
        "lab/other": Checkpoint("lab/other", "hub", "OtherModel", revision="c0"),
    }
    monkeypatch.setattr("baselines.captioning.checkpoints.find_checkpoint", hub.__getitem__)
    words = [make_clip(4), "--fps", 5, "--out", tmp_path / "film.pkl", "--model"]
    assert run(*words, "lab/film").exit_code == 0
    assert len(read_film(tmp_path / "film.pkl").features) == 2
    other = run(*words, "lab/other", "--overwrite")
    assert "a checkpoint of OtherModel; expected LLaMA-VID" in str(other.exception)


@pytest.mark.parametrize("text", ["", "no times here", "1\n00:00 --> 1\nx\n"])
def test_a_file_without_subtitles_is_refused_before_anything_runs(
    toy_folder: Path, make_clip: Callable[..., Path], tmp_path: Path, text: str
) -> None:
    (tmp_path / "film.srt").write_text(text, encoding="utf-8")
    done = run(make_clip(4), "--model", toy_folder, "--subtitles", tmp_path / "film.srt", "--out", tmp_path / "f")
    assert isinstance(done.exception, InputError)
    assert not (tmp_path / "f").exists()


def film_of(frames: int, width: int = 32) -> Film:
    made = np.random.default_rng(0).normal(size=(frames, 17, width)).astype(np.float16)
    return Film(made, "<image>" * frames)


def test_every_frame_is_two_positions_and_a_question_asked_twice_is_answered_alike(
    toy_folder: Path, toy_vid: Any
) -> None:
    processor = load_processor(toy_folder)
    counts = [
        film_inputs(toy_vid, processor, film_of(frames), "Who?", new_tokens=4)["input_ids"].shape[1]
        for frames in (5, 25)
    ]
    assert counts[1] - counts[0] == 40
    first = answer_about_film(toy_vid, processor, film_of(5), "Who?", max_new_tokens=4)
    assert first == answer_about_film(toy_vid, processor, film_of(5), "Who?", max_new_tokens=4)


def test_a_film_longer_than_the_positions_is_refused_until_they_are_stretched(toy_folder: Path) -> None:
    processor = load_processor(toy_folder)
    with pytest.raises(InputError, match="at most 512 positions"):
        film_inputs(toy_model(), processor, film_of(300), "Who?", new_tokens=4)
    config = toy_config()
    config.text_config.rope_parameters = extended_rope(config.text_config, 4096)
    assert context_length(config.text_config) == 4096
    assert answer_about_film(toy_model(config), processor, film_of(300), "Who?", max_new_tokens=2) is not None


def test_features_of_another_tower_and_blank_questions_are_refused(toy_folder: Path, toy_vid: Any) -> None:
    processor = load_processor(toy_folder)
    with pytest.raises(InputError, match="width 16"):
        film_inputs(toy_vid, processor, film_of(2, width=16), "Who?", new_tokens=1)
    with pytest.raises(InputError, match="no question"):
        film_inputs(toy_vid, processor, film_of(2), " ", new_tokens=1)
