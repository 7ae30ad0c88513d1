"""Prompts, pictures and videos to model inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

import torch
from PIL import Image

from baselines.auroracap.processor import AuroraCapImageProcessor, AuroraCapProcessor
from baselines.common.byte_tokenizer import make_byte_tokenizer
from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.common.images import centre_crop_pixels, padded_pixels
from vdc.errors import InputError

HOLE = IMAGE_PLACEHOLDER


@pytest.fixture(scope="module")
def processor() -> AuroraCapProcessor:
    images = AuroraCapImageProcessor(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56})
    return AuroraCapProcessor(images, make_byte_tokenizer())


def clip(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, 60, 90, 3), dtype=np.uint8)


def read(ids: list[int]) -> str:
    """Ids of the byte tokenizer as text, placeholders as #."""
    return "".join("#" if i == HOLE else chr(i - 3) for i in ids if i == HOLE or i >= 3)


def test_a_prompt_and_its_frames(processor: AuroraCapProcessor) -> None:
    video = clip(3)
    batch = processor(text=processor.prompt("What?", 3), images=list(video))
    assert read(batch["input_ids"][0].tolist()) == "USER: # # #\nWhat? ASSISTANT:"
    assert batch["input_ids"][0, 0] == 1
    assert batch["pixel_values"].shape == (1, 3, 3, 56, 56)
    expected = np.stack([centre_crop_pixels(frame, processor.image_processor.spec) for frame in video])
    assert np.array_equal(batch["pixel_values"][0].numpy(), expected)


def test_video_marks_become_one_mark_per_frame(processor: AuroraCapProcessor, make_clip: Callable[..., Path]) -> None:
    file = make_clip(13)
    batch = processor(text="USER: <video>\nWhat? ASSISTANT:", videos=file, num_frames=4)
    assert read(batch["input_ids"][0].tolist()) == "USER: # # # #\nWhat? ASSISTANT:"
    arrays = processor(text=["<video>", "<image>"], videos=[clip(2)], images=[Image.fromarray(clip(1)[0])])
    assert arrays["frame_counts"].tolist() == [2, 1]
    assert not arrays["pixel_values"][1, 1].any()


@pytest.mark.parametrize("side", ["left", "right"])
def test_rows_are_padded_on_the_side_asked_for(processor: AuroraCapProcessor, side: str) -> None:
    batch = processor(text=["ab", "abcd"], padding_side=side)
    assert "pixel_values" not in batch
    short, mask = batch["input_ids"][0].tolist(), batch["attention_mask"][0].tolist()
    gap = [0, 0]
    assert short == ([*gap, 1, 100, 101] if side == "left" else [1, 100, 101, *gap])
    assert mask == ([*gap, 1, 1, 1] if side == "left" else [1, 1, 1, *gap])


def test_training_pads_where_inference_crops(processor: AuroraCapProcessor) -> None:
    picture = clip(1)[0]
    padded = processor(text="<image>", images=picture, fit="pad")["pixel_values"][0, 0].numpy()
    assert np.array_equal(padded, padded_pixels(picture, processor.image_processor.spec))


def test_chat_template_writes_the_published_turns_and_no_smuggled_marks(processor: AuroraCapProcessor) -> None:
    chat = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Look <image>here"}, {"type": "image", "image": clip(1)[0]}],
        },
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Why?"},
    ]
    text = processor.apply_chat_template(chat)
    assert text == "USER: <image>\nLook here ASSISTANT:Yes.</s>\nUSER: Why? ASSISTANT:"
    batch = processor.apply_chat_template(chat, tokenize=True, return_dict=True, return_tensors="pt")
    assert batch["pixel_values"].shape == (1, 1, 3, 56, 56)
    assert (batch["input_ids"] == HOLE).sum() == 1


def test_decoding_leaves_placeholders_out(processor: AuroraCapProcessor) -> None:
    ids = processor(text=["a<image>b", "<image>cd"], images=list(clip(2)))["input_ids"]
    assert processor.batch_decode(ids, skip_special_tokens=True) == ["ab", "cd"]
    assert processor.decode(ids[0], skip_special_tokens=True) == "ab"
    assert processor.post_process_image_text_to_text(ids) == ["ab", "cd"]


def test_saving_and_loading_through_the_auto_class(processor: AuroraCapProcessor, tmp_path: Path, toy: Any) -> None:
    from transformers import AutoProcessor

    processor.save_pretrained(tmp_path)
    toy.config.save_pretrained(tmp_path)
    loaded = AutoProcessor.from_pretrained(tmp_path)
    assert type(loaded) is AuroraCapProcessor
    inputs = {"text": "a<image>", "images": clip(1)[0]}
    before, after = processor(**inputs), loaded(**inputs)
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda p: p(), "text=", id="no-text"),
        pytest.param(lambda p: p(text="x <image>"), "0 pictures", id="picture-missing"),
        pytest.param(lambda p: p(text="x", images=clip(1)[0]), "1 pictures", id="mark-missing"),
        pytest.param(lambda p: p(text="<video>", videos="absent.mp4"), "absent.mp4", id="no-such-video"),
        pytest.param(lambda p: p(text="<image>", images="absent.png"), "absent.png", id="no-such-picture"),
        pytest.param(
            lambda p: p(text="<video>", videos=clip(2), num_frames=0, return_tensors="np"), "'pt'", id="numpy"
        ),
    ],
)
def test_bad_requests_are_refused(processor: AuroraCapProcessor, call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(processor)


def test_image_settings_of_another_kind_of_tower_are_refused() -> None:
    with pytest.raises(InputError, match="square crop"):
        _ = AuroraCapImageProcessor(size={"shortest_edge": 56}, crop_size={"height": 48, "width": 48}).spec


@pytest.mark.parametrize("text", ["USER: hi", "é 漢 \n x", ""], ids=["ascii", "multibyte", "empty"])
def test_byte_tokenizer_is_three_plus_byte_and_reads_back(text: str) -> None:
    tokenizer = make_byte_tokenizer()
    ids = tokenizer(text)["input_ids"]
    assert ids == [1, *(3 + byte for byte in text.encode())]
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
