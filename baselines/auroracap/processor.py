"""Prompts and pictures to model inputs, and ids back to text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from transformers import BatchFeature, ProcessorMixin
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.common.frame_sampling import SamplingRule, sample_indices
from baselines.common.images import (
    ImageSpec,
    Picture,
    Pixels,
    centre_crop_pixels,
    open_image,
    padded_pixels,
    prepare_many,
)
from baselines.common.prompts import encode_with_placeholders, load_format
from baselines.common.video import VideoFrames, read_frames
from vdc.errors import InputError, Problem

IMAGE_PROCESSOR = "AuroraCapImageProcessor"
PROCESSOR = "AuroraCapProcessor"
IMAGE_MARK, VIDEO_MARK = "<image>", "<video>"
DEFAULT_FRAMES = 8

# One turn per message; pictures first, then a line break, then the text, with marks taken out of text from outside.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- set seen = namespace(marks=[], text='') -%}"
    "{%- if message['content'] is string -%}{%- set seen.text = message['content'] -%}"
    "{%- else -%}{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' -%}{%- set seen.marks = seen.marks + ['<image>'] -%}"
    "{%- elif part['type'] == 'video' -%}{%- set seen.marks = seen.marks + ['<video>'] -%}"
    "{%- elif part['type'] == 'text' -%}{%- set seen.text = seen.text + part['text'] -%}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{%- set text = seen.text | replace('<image>', '') | replace('<video>', '') -%}"
    "{%- if message['role'] == 'system' -%}{{- text + ' ' -}}"
    "{%- elif message['role'] == 'user' -%}"
    "{{- 'USER: ' + (seen.marks | join(' ') + '\\n' if seen.marks else '') + text + ' ASSISTANT:' -}}"
    "{%- else -%}{{- text + eos_token + '\\n' -}}{%- endif -%}"
    "{%- endfor -%}"
)

Video: TypeAlias = "str | Path | VideoFrames | Sequence[Picture] | np.ndarray[Any, Any]"
"""A file, frames already read, or ``(frames, height, width, 3)`` bytes."""


class AuroraCapImageProcessor(CLIPImageProcessorPil):
    """CLIP's image processor on PIL, whether or not torchvision is installed: another resize gives other captions."""

    @property
    def spec(self) -> ImageSpec:
        """The part of the settings that our own pixel code uses.

        Raises:
            InputError: Settings that are not those of a CLIP tower.
        """
        size = dict(self.size or {})
        crop = dict(self.crop_size or {})
        side = size.get("shortest_edge")
        steps = (self.do_resize, self.do_center_crop, self.do_rescale, self.do_normalize)
        if not side or crop.get("height") != side or crop.get("width") != side or not all(steps) or self.resample != 3:
            raise InputError(
                Problem(
                    f"image settings size {size}, crop {crop}, resample {self.resample}",
                    "a square crop at the size of the shortest edge, bicubic, rescaled and normalised",
                    "use the preprocessor_config.json of the checkpoint",
                )
            )
        red, green, blue = (float(value) for value in self.image_mean)
        deviations = [float(value) for value in self.image_std]
        return ImageSpec(size=int(side), mean=(red, green, blue), std=(deviations[0], deviations[1], deviations[2]))


class AuroraCapProcessor(ProcessorMixin):
    """Tokenizer and image processor together.

    Args:
        image_processor: An :class:`AuroraCapImageProcessor`.
        tokenizer: The language model's tokenizer.
        chat_template: Jinja template; None takes the published turn format.
    """

    image_token = IMAGE_MARK

    def __init__(
        self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None, **_: Any
    ) -> None:
        super().__init__(image_processor, tokenizer, chat_template=chat_template or CHAT_TEMPLATE)

    @classmethod
    def get_attributes(cls) -> list[str]:
        """The parts that are saved and loaded with the processor."""
        return ["image_processor", "tokenizer"]

    @property
    def model_input_names(self) -> list[str]:
        """What the model is given."""
        return ["input_ids", "attention_mask", "pixel_values", "frame_counts"]

    def prompt(self, question: str, frames: int, *, system: bool = False) -> str:
        """The published prompt for one question about ``frames`` frames.

        Args:
            question: The question.
            frames: Frames; 0 for text alone.
            system: Put the system sentence in front, as the published evaluation wrapper does.
        """
        return load_format("baselines.auroracap").prompt(question, frames, system=system)

    def __call__(
        self,
        images: Any = None,
        text: str | Sequence[str] | None = None,
        videos: Any = None,
        *,
        num_frames: int = DEFAULT_FRAMES,
        sampling: SamplingRule = "uniform_with_last",
        fit: Literal["crop", "pad"] = "crop",
        padding_side: Literal["left", "right"] = "left",
        add_special_tokens: bool = True,
        return_tensors: str = "pt",
        **_: Any,
    ) -> BatchFeature:
        """Prepare a batch.

        Args:
            images: Pictures (PIL, arrays or paths) in the order of the ``<image>`` marks, flat or nested per text.
            text: One prompt or several, with a ``<image>`` mark per picture and a ``<video>`` mark per video; a video
                mark becomes one picture mark per frame.
            videos: Videos in the order of the ``<video>`` marks, flat or nested per text.
            num_frames: Frames taken from a video file (the last frame may come on top).
            sampling: Rule that picks them.
            fit: ``crop`` is the published inference, ``pad`` the published training.
            padding_side: Side on which short prompts are filled.
            add_special_tokens: Start each prompt with bos.
            return_tensors: Only ``pt``.

        Returns:
            ``input_ids`` and ``attention_mask`` ``(batch, ids)``; with pictures also ``pixel_values``
            ``(batch, frames, 3, side, side)``, zero on missing frames, and ``frame_counts`` ``(batch,)``.

        Raises:
            InputError: No text, or as many marks as pictures or videos are not there, or an unreadable file.
        """
        if return_tensors != "pt" or text is None:
            raise InputError(
                Problem(f"text {text!r} as {return_tensors!r} tensors", "prompts, as 'pt' tensors", "give text=...")
            )
        prompts = [text] if isinstance(text, str) else list(text)
        pictures, clips = _flat(images, _is_picture), _flat(videos, _is_video)
        wanted = [sum(prompt.count(mark) for prompt in prompts) for mark in (IMAGE_MARK, VIDEO_MARK)]
        if wanted != [len(pictures), len(clips)]:
            raise InputError(
                Problem(
                    f"{len(pictures)} pictures and {len(clips)} videos for {wanted[0]} and {wanted[1]} marks",
                    f"one {IMAGE_MARK} per picture and one {VIDEO_MARK} per video",
                    "let processor.prompt or apply_chat_template write the prompt",
                )
            )
        rows: list[list[Pixels]] = []
        ids: list[list[int]] = []
        for prompt in prompts:
            whole, frames = self._expand(prompt, pictures, clips, num_frames, sampling, fit)
            rows.append(frames)
            ids.append(encode_with_placeholders(whole, self._encode, special_tokens=add_special_tokens))
        return BatchFeature({**self._pad_ids(ids, padding_side), **_stack(rows)})

    def _expand(
        self,
        prompt: str,
        pictures: list[Any],
        clips: list[Any],
        num_frames: int,
        sampling: SamplingRule,
        fit: Literal["crop", "pad"],
    ) -> tuple[str, list[Pixels]]:
        """Turn video marks into picture marks and take what the marks stand for off the two lists."""
        spec: ImageSpec = self.image_processor.spec
        prepare: Callable[[Picture, ImageSpec], Pixels] = centre_crop_pixels if fit == "crop" else padded_pixels
        frames: list[Pixels] = []
        parts: list[str] = []
        for part in re.split(f"({IMAGE_MARK}|{VIDEO_MARK})", prompt):
            if part == IMAGE_MARK:
                frames.append(prepare(_picture(pictures.pop(0)), spec))
            elif part == VIDEO_MARK:
                pixels = _clip_pixels(clips.pop(0), num_frames, sampling, lambda frame: prepare(frame, spec))
                frames.extend(pixels)
                part = " ".join([IMAGE_MARK] * len(pixels))
            parts.append(part)
        return "".join(parts), frames

    def _encode(self, text: str, special_tokens: bool) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=special_tokens)["input_ids"]
        return ids

    def _pad_ids(self, ids: list[list[int]], side: Literal["left", "right"]) -> dict[str, torch.Tensor]:
        longest = max(len(row) for row in ids)
        fill = self.tokenizer.pad_token_id or 0
        padded = torch.full((len(ids), longest), fill, dtype=torch.long)
        mask = torch.zeros_like(padded)
        for number, row in enumerate(ids):
            place = slice(longest - len(row), longest) if side == "left" else slice(0, len(row))
            padded[number, place] = torch.tensor(row, dtype=torch.long)
            mask[number, place] = 1
        return {"input_ids": padded, "attention_mask": mask}

    def decode(self, token_ids: Any, **kwargs: Any) -> Any:
        """Text of ids; placeholders, which no tokenizer knows, are left out."""
        rows = token_ids.tolist() if hasattr(token_ids, "tolist") else list(token_ids)
        if rows and isinstance(rows[0], list):
            return [self.decode(row, **kwargs) for row in rows]
        return self.tokenizer.decode([token for token in rows if token != IMAGE_PLACEHOLDER], **kwargs)

    def batch_decode(self, sequences: Any, **kwargs: Any) -> list[str]:
        """Texts of several rows of ids."""
        return [self.decode(row, **kwargs) for row in sequences]

    def post_process_image_text_to_text(
        self, generated_outputs: Any, skip_special_tokens: bool = True, **kwargs: Any
    ) -> list[str]:
        """Texts of what ``generate`` returned."""
        return self.batch_decode(generated_outputs, skip_special_tokens=skip_special_tokens, **kwargs)


def _stack(rows: list[list[Pixels]]) -> dict[str, torch.Tensor]:
    most = max(len(row) for row in rows)
    if most == 0:
        return {}
    shape = next(row[0].shape for row in rows if row)
    pixels = torch.zeros(len(rows), most, *shape)
    for number, row in enumerate(rows):
        if row:
            pixels[number, : len(row)] = torch.from_numpy(np.stack(row))
    return {"pixel_values": pixels, "frame_counts": torch.tensor([len(row) for row in rows])}


def _flat(given: Any, is_one: Callable[[Any], bool]) -> list[Any]:
    if given is None:
        return []
    if is_one(given):
        return [given]
    return [one for part in given for one in _flat(part, is_one)]


def _is_picture(given: Any) -> bool:
    return not isinstance(given, (list, tuple)) and (not hasattr(given, "ndim") or given.ndim == 3)


def _is_video(given: Any) -> bool:
    if isinstance(given, (str, Path, VideoFrames)) or getattr(given, "ndim", 0) == 4:
        return True
    # A list of pictures is one video; a list of anything else holds several.
    return isinstance(given, (list, tuple)) and bool(given) and all(_is_bare_picture(one) for one in given)


def _is_bare_picture(given: Any) -> bool:
    return not isinstance(given, (str, Path, VideoFrames, list, tuple)) and getattr(given, "ndim", 3) == 3


def _picture(given: Any) -> Picture:
    if isinstance(given, (str, Path)):
        return open_image(given)
    picture: Picture = given.numpy() if isinstance(given, torch.Tensor) else given
    return picture


def _clip_pixels(
    given: Any, num_frames: int, sampling: SamplingRule, prepare: Callable[[Picture], Pixels]
) -> list[Pixels]:
    if isinstance(given, (str, Path)):
        return list(read_frames(given, lambda total: sample_indices(total, num_frames, sampling), prepare).frames)
    frames = given.frames if isinstance(given, VideoFrames) else given
    return prepare_many([_picture(frame) for frame in frames], prepare)
