"""Questions about pictures, videos and films, from files to answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

import baselines.llama_vid  # noqa: F401  (registers the Auto classes)
from baselines.llama_vid.processor import sample
from baselines.llama_vid.toy import write_toy
from vdc.errors import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("toy") / "native")


@pytest.fixture(scope="module")
def processor(folder: Path) -> Any:
    return AutoProcessor.from_pretrained(folder)


def frames(count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 255, (count, 40, 60, 3), dtype=np.uint8)


def test_the_auto_classes_caption_a_mixed_batch(folder: Path, processor: Any) -> None:
    model = AutoModelForImageTextToText.from_pretrained(folder)
    inputs = processor(
        text=["who?", "what is it?", "no picture"], videos=[frames(3), None, None], images=[None, frames(1)[0], None]
    )
    assert inputs["frame_counts"].tolist() == [3, 1, 0]
    made = model.generate(**inputs, max_new_tokens=4, do_sample=False)
    alone = processor(text="what is it?", images=frames(1)[0])
    assert made[1, -4:].tolist() == model.generate(**alone, max_new_tokens=4, do_sample=False)[0, -4:].tolist()
    assert len(processor.batch_decode(made)) == 3


def test_saved_and_loaded_it_is_the_same(processor: Any, tmp_path: Path) -> None:
    processor.save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path)
    first, second = processor(text="Who? " * 200), again(text="Who? " * 200)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert again.tokens_per_frame == 2


def test_pictures_are_padded_and_video_frames_cropped(processor: Any) -> None:
    wide = np.zeros((20, 80, 3), dtype=np.uint8)
    padded = processor(text="a", images=wide)["pixel_values"][0, 0]
    cropped = processor(text="a", videos=[wide[None]])["pixel_values"][0, 0]
    assert padded[0, 0, 0] == pytest.approx(0, abs=0.02)  # the mean colour
    assert cropped[0, 0, 0] < -1  # black


@pytest.mark.parametrize(("fps", "wanted"), [(1.0, 2), (2.0, 4), (100.0, 20)], ids=["1", "2", "more than there are"])
def test_a_file_is_sampled_by_rate_and_low_rates_work(
    processor: Any, make_clip: Callable[..., Path], fps: float, wanted: int
) -> None:
    """The published sampler crashes where a video has less than half the rate asked for."""
    clip = make_clip(20, size=(64, 48))
    assert processor(text="a", videos=clip, fps=fps)["frame_counts"].tolist() == [wanted]


def test_a_limit_thins_frames_evenly() -> None:
    assert sample(100, 10.0, 1.0, None) == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert sample(100, 10.0, 1.0, 4) == [0, 30, 60, 90]


def test_a_film_is_asked_about_by_its_stored_features(folder: Path, processor: Any) -> None:
    model = AutoModelForImageTextToText.from_pretrained(folder)
    features = torch.randn(3, 16, 32, generator=torch.Generator().manual_seed(0)).half()
    inputs = processor.film("who?", "<image>Hello<image><image>there", features)
    assert int((inputs["input_ids"] == -200).sum()) == 6
    assert model.generate(**inputs, max_new_tokens=2, do_sample=False).shape[1] == inputs["input_ids"].shape[1] + 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": ["a", "b"], "images": [None]}, "1 pictures for 2 texts"),
        ({"text": None}, "questions"),
        ({"text": "a", "images": frames(1)[0], "videos": frames(2)}, "a picture and a video"),
        ({"text": "a", "images": "no/such.png"}, "no file"),
    ],
    ids=["count", "no text", "both", "no file"],
)
def test_what_cannot_be_prepared_is_refused(processor: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        processor(**arguments)


def test_a_film_with_another_number_of_frames_is_refused(processor: Any) -> None:
    with pytest.raises(InputError, match="2 marks for 3 frames"):
        processor.film("a", "<image><image>", torch.zeros(3, 16, 32))
