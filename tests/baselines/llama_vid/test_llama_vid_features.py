"""Features of films: extracted, resumed, read and written."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

import torch

from baselines.common.images import ImageSpec
from baselines.llama_vid.features import extract_film, read_film, write_published
from baselines.llama_vid.subtitles import Subtitle
from vdc.errors import InputError

SPEC = ImageSpec(56)


def test_a_film_is_extracted_with_its_subtitles(toy_vid: Any, make_clip: Callable[..., Path], tmp_path: Path) -> None:
    film = extract_film(toy_vid, SPEC, make_clip(25), tmp_path / "f", fps=5, subtitles=[Subtitle(0, 0.5, "Hi")])
    assert film.features.shape == (13, 17, 32)
    assert film.times_s[:3] == (0.0, 0.2, 0.4)
    assert film.inputs == "<image>" * 3 + "Hi" + "<image>" * 10


def test_broken_off_it_goes_on_where_it_was(
    toy_vid: Any, make_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(20)
    whole = extract_film(toy_vid, SPEC, clip, tmp_path / "whole", fps=10, block=6)
    tower, calls = toy_vid.model.vision_tower, []
    encode = tower.forward

    def breaks(pixels: torch.Tensor) -> torch.Tensor:
        calls.append(len(pixels))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return encode(pixels)

    monkeypatch.setattr(tower, "forward", breaks)
    with pytest.raises(KeyboardInterrupt):
        extract_film(toy_vid, SPEC, clip, tmp_path / "f", fps=10, block=6)
    resumed = extract_film(toy_vid, SPEC, clip, tmp_path / "f", fps=10, block=6)
    assert calls == [6, 6, 6, 6, 2]
    np.testing.assert_array_equal(resumed.features, whole.features)
    extract_film(toy_vid, SPEC, clip, tmp_path / "f", fps=10)
    assert len(calls) == 5


def test_another_extraction_in_the_same_folder_is_refused(
    toy_vid: Any, make_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(20)
    extract_film(toy_vid, SPEC, clip, tmp_path / "f", fps=10)
    (tmp_path / "f" / "film.json").unlink()
    with pytest.raises(InputError, match="choose another folder"):
        extract_film(toy_vid, SPEC, clip, tmp_path / "f", fps=5)


def test_the_published_file_is_written_and_read(toy_vid: Any, make_clip: Callable[..., Path], tmp_path: Path) -> None:
    film = extract_film(toy_vid, SPEC, make_clip(10), tmp_path / "f", fps=5)
    write_published(film, tmp_path / "film.pkl")
    again = read_film(tmp_path / "film.pkl")
    np.testing.assert_array_equal(again.features, film.features)
    assert again.inputs == film.inputs
    with (tmp_path / "film.pkl").open("rb") as opened:
        assert set(pickle.load(opened)) == {"feats", "inputs"}


class Harm:
    def __reduce__(self) -> Any:
        return os.mkdir, ("harm",)


def test_a_published_file_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.pkl").write_bytes(pickle.dumps({"feats": Harm(), "inputs": ""}))
    with pytest.raises(InputError, match="mkdir"):
        read_film(tmp_path / "film.pkl")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("content", [b"", b"text", pickle.dumps([1]), pickle.dumps({"feats": 1, "inputs": "a"})])
def test_broken_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "film.pkl").write_bytes(content)
    with pytest.raises(InputError):
        read_film(tmp_path / "film.pkl")


def test_marks_and_frames_must_agree(tmp_path: Path) -> None:
    (tmp_path / "film.pkl").write_bytes(pickle.dumps({"feats": np.zeros((2, 5, 4), np.float16), "inputs": "<image>"}))
    with pytest.raises(InputError, match="1 marks"):
        read_film(tmp_path / "film.pkl")
