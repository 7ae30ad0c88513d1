"""Prompts, pictures and videos to what LLaVolta takes, and on to answers."""

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

from baselines.common.byte_tokenizer import make_byte_tokenizer
from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.common.images import centre_crop_pixels, square_pixels
from baselines.llavolta import LlavoltaImageProcessor, LlavoltaProcessor
from baselines.llavolta.convert import convert
from baselines.llavolta.text import Message, conversation_text
from baselines.llavolta.toy import write_toy_release
from vdc.errors import InputError

SYSTEM = LlavoltaProcessor.prompt_format().system


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("toy")
    return convert(write_toy_release(work / "released"), work / "native")


@pytest.fixture(scope="module")
def processor(folder: Path) -> Any:
    return AutoProcessor.from_pretrained(folder)


def frames(count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 255, (count, 40, 60, 3), dtype=np.uint8)


def read(ids: torch.Tensor) -> str:
    """Ids of the byte tokenizer as text, placeholders as #."""
    return "".join(
        "#" if i == IMAGE_PLACEHOLDER else chr(i - 3) for i in ids.tolist() if i == IMAGE_PLACEHOLDER or i >= 3
    )


def test_a_converted_folder_gives_processor_and_model_through_the_auto_classes(folder: Path, processor: Any) -> None:
    assert type(processor) is LlavoltaProcessor
    assert type(processor.image_processor) is LlavoltaImageProcessor
    model = AutoModelForImageTextToText.from_pretrained(folder)
    prompts = [processor.prompt("what is it?", 1), processor.prompt("no picture", 0), processor.prompt("which?", 2)]
    inputs = processor(text=prompts, images=list(frames(3)))
    assert set(inputs) == {"input_ids", "attention_mask", "pixel_values"}
    made = model.generate(**inputs, max_new_tokens=4, do_sample=False)
    alone = processor(text=prompts[0], images=frames(1)[0])
    assert made[0, -4:].tolist() == model.generate(**alone, max_new_tokens=4, do_sample=False)[0, -4:].tolist()
    assert len(processor.batch_decode(made)) == 3


def test_saved_and_loaded_it_is_the_same(folder: Path, tmp_path: Path) -> None:
    images = LlavoltaImageProcessor(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56})
    first = LlavoltaProcessor(images, make_byte_tokenizer(), image_aspect_ratio="square")
    first.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    again = AutoProcessor.from_pretrained(tmp_path)
    assert (type(again), again.image_aspect_ratio) == (LlavoltaProcessor, "square")
    given = {"text": first.prompt("a", 1), "images": frames(1)[0]}
    before, after = first(**given), again(**given)
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_every_prompt_starts_with_the_system_sentence_unless_told_otherwise(processor: Any) -> None:
    assert processor.prompt("Why?", 1) == f"{SYSTEM} USER: <image>\nWhy? ASSISTANT:"
    assert processor.prompt("Why?", 0, system=False) == "USER: Why? ASSISTANT:"


def test_the_chat_template_writes_what_training_reads(processor: Any) -> None:
    picture = {"type": "image", "image": frames(1)[0]}
    chat = [
        {"role": "user", "content": [{"type": "text", "text": "Who <image>?"}, picture]},
        {"role": "assistant", "content": "A cat."},
    ]
    trained = conversation_text((Message(True, "<image>\nWho ?"), Message(False, "A cat.")))
    assert processor.apply_chat_template(chat) == trained
    asked = processor.apply_chat_template([*chat, {"role": "user", "content": "Why?"}])
    assert asked == f"{trained}USER: Why? ASSISTANT:"


def test_a_system_message_takes_the_place_of_the_sentence(processor: Any) -> None:
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    assert processor.apply_chat_template(chat) == "Be brief. USER: Why? ASSISTANT:"


def test_a_chat_with_a_picture_becomes_model_inputs(processor: Any) -> None:
    content = [{"type": "image", "image": frames(1)[0]}, {"type": "text", "text": "Who?"}]
    batch = processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=True, return_dict=True, return_tensors="pt"
    )
    assert batch["pixel_values"].shape == (1, 1, 3, 56, 56)
    assert read(batch["input_ids"][0]).endswith("USER: #\nWho? ASSISTANT:")


def test_a_video_is_one_picture_per_frame(processor: Any, make_clip: Callable[..., Path]) -> None:
    file = make_clip(13)
    batch = processor(text="<video>\nWhat?", videos=file, num_frames=4)
    assert read(batch["input_ids"][0]) == "#\n#\n#\n#\nWhat?"
    assert batch["pixel_values"].shape[1] == 4
    assert processor(text="<video>", videos=file)["pixel_values"].shape[1] == 8


def test_a_picture_is_padded_unless_the_checkpoint_or_the_call_crops(processor: Any) -> None:
    picture, spec = frames(1)[0], processor.image_processor.spec
    padded = processor(text="<image>", images=picture)["pixel_values"][0, 0].numpy()
    cropped = processor(text="<image>", images=picture, fit="crop")["pixel_values"][0, 0].numpy()
    assert np.array_equal(padded, square_pixels(picture, spec))
    assert np.array_equal(cropped, centre_crop_pixels(picture, spec))


@pytest.mark.parametrize("side", ["left", "right"])
def test_rows_are_padded_on_the_side_asked_for_and_answers_stay(folder: Path, processor: Any, side: str) -> None:
    model = AutoModelForImageTextToText.from_pretrained(folder)
    prompts = [processor.prompt("a", 1), processor.prompt("a much longer question", 1)]
    batch = processor(text=prompts, images=list(frames(2)), padding_side=side)
    assert bool(batch["attention_mask"][0, -1]) is (side == "left")
    made = model.generate(**batch, max_new_tokens=3, do_sample=False)[:, -3:]
    usual = model.generate(**processor(text=prompts, images=list(frames(2))), max_new_tokens=3, do_sample=False)[:, -3:]
    assert made.tolist() == usual.tolist()


def test_more_marks_than_pictures_are_refused(processor: Any) -> None:
    with pytest.raises(InputError, match="1 pictures and 0 videos for 2 and 0 marks"):
        processor(text="<image><image>", images=frames(1)[0])
