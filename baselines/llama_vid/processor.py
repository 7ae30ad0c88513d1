"""Prompts, questions and pictures to model inputs, and ids back to text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from transformers import BatchFeature, ProcessorMixin
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.common.frame_sampling import by_rate, uniform
from baselines.common.images import (
    ImageSpec,
    Picture,
    Pixels,
    centre_crop_pixels,
    open_image,
    prepare_many,
    square_pixels,
)
from baselines.common.prompts import encode_with_placeholders
from baselines.common.video import VideoFrames, read_frames
from baselines.llama_vid.prompts import DEFAULT_TEMPLATE, IMAGE_MARK, ask, ask_about_film
from baselines.llama_vid.tokenizer import encode_questions, encoder
from vdc.errors import InputError, Problem

DEFAULT_FPS = 1.0
"""Frames a second of every published video setting."""


class LlamaVidImageProcessor(CLIPImageProcessorPil):
    """CLIP's image processor on PIL, whether or not torchvision is installed: another resize gives other captions."""

    @property
    def spec(self) -> ImageSpec:
        """The part of the settings that our own pixel code uses.

        Raises:
            InputError: Settings that are not those of this model's tower.
        """
        side, crop = dict(self.size or {}).get("shortest_edge"), dict(self.crop_size or {})
        if not side or crop.get("height") != side or crop.get("width") != side or self.resample != 3:
            raise InputError(
                Problem(
                    f"image settings size {self.size}, crop {crop}, resample {self.resample}",
                    "a square crop at the size of the shortest edge, bicubic",
                    "use the preprocessor_config.json of the checkpoint",
                )
            )
        red, green, blue = (float(value) for value in self.image_mean)
        deviations = [float(value) for value in self.image_std]
        return ImageSpec(size=int(side), mean=(red, green, blue), std=(deviations[0], deviations[1], deviations[2]))


class LlamaVidProcessor(ProcessorMixin):
    """Both tokenizers and the image processor together.

    Args:
        image_processor: A :class:`LlamaVidImageProcessor`.
        tokenizer: The language model's tokenizer.
        question_tokenizer: The query transformer's tokenizer.
        image_aspect_ratio: As ``LlamaVidConfig.image_aspect_ratio``.
        tokens_per_frame: Visual tokens of one frame; how many marks a frame of a film becomes.
    """

    image_token = IMAGE_MARK

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: Any = None,
        question_tokenizer: Any = None,
        image_aspect_ratio: Literal["pad", "square"] = "pad",
        tokens_per_frame: int = 2,
        **_: Any,
    ) -> None:
        self.image_aspect_ratio = image_aspect_ratio
        self.tokens_per_frame = tokens_per_frame
        super().__init__(image_processor, tokenizer, question_tokenizer)

    @classmethod
    def get_attributes(cls) -> list[str]:
        """The parts that are saved and loaded with the processor."""
        return ["image_processor", "tokenizer", "question_tokenizer"]

    @property
    def model_input_names(self) -> list[str]:
        """What the model is given."""
        return ["input_ids", "attention_mask", "pixel_values", "frame_counts", "question_ids", "question_mask"]

    def __call__(
        self,
        images: Any = None,
        text: str | Sequence[str] | None = None,
        videos: Any = None,
        *,
        fps: float = DEFAULT_FPS,
        max_frames: int | None = None,
        template: str = DEFAULT_TEMPLATE,
        padding_side: Literal["left", "right"] = "left",
        return_tensors: str = "pt",
        **_: Any,
    ) -> BatchFeature:
        """Prepare questions, each about one picture, one video, or nothing.

        Args:
            images: One picture (PIL, array or path) per text; None in its place for a text about none.
            text: One question or several. Marks in them are taken out.
            videos: One video per text: a file, frames already read, or ``(frames, height, width, 3)`` bytes.
            fps: Frames a second taken from a file; a file with fewer gives all it has.
            max_frames: Most frames of one video; more are thinned out evenly. None: no limit, as published.
            template: Published conversation template.
            padding_side: Side on which short prompts are filled.
            return_tensors: Only ``pt``.

        Returns:
            ``input_ids`` and ``attention_mask`` ``(batch, ids)``, ``question_ids`` and ``question_mask``
            ``(batch, 1, ids)``; with pictures also ``pixel_values`` ``(batch, frames, 3, side, side)``, zero on missing
            frames, and ``frame_counts`` ``(batch,)``.

        Raises:
            InputError: No text, another number of pictures or videos than texts, or an unreadable file.
        """
        if return_tensors != "pt" or text is None:
            raise InputError(
                Problem(f"text {text!r} as {return_tensors!r} tensors", "questions, as 'pt' tensors", "give text=...")
            )
        questions = [text] if isinstance(text, str) else list(text)
        pictures = _per_text("pictures", images, len(questions))
        clips = _per_text("videos", videos, len(questions))
        rows: list[list[Pixels]] = []
        ids: list[list[int]] = []
        for question, picture, clip in zip(questions, pictures, clips, strict=True):
            if picture is not None and clip is not None:
                raise InputError(Problem("a picture and a video for one question", "one of them", "ask twice"))
            frames = [] if clip is None else self._clip(clip, fps, max_frames)
            if picture is not None:
                frames = [self._picture(picture)]
            rows.append(frames)
            prompt = ask(question, pictures=bool(frames), template=template)
            ids.append(encode_with_placeholders(prompt, encoder(self.tokenizer)))
        return BatchFeature({**self._pad_ids(ids, padding_side), **self.ask(questions), **_stack(rows)})

    def film(
        self, question: str, inputs: str, features: torch.Tensor, *, template: str = DEFAULT_TEMPLATE
    ) -> dict[str, Any]:
        """Prepare one question about a long video whose features are stored.

        Args:
            question: The question.
            inputs: One mark per frame with the subtitles between them.
            features: ``(frames, tokens, vision dim)``; a memory map stays one.
            template: Published conversation template.

        Returns:
            Keyword arguments of the model: ids, mask, question, ``frame_features``.

        Raises:
            InputError: As many marks as frames are not there.
        """
        marks = inputs.count(IMAGE_MARK)
        if marks != len(features):
            raise InputError(
                Problem(f"{marks} marks for {len(features)} frames", "one per frame", "extract the features again")
            )
        prompt = ask_about_film(question, inputs, tokens_per_frame=self.tokens_per_frame, template=template)
        ids = encode_with_placeholders(prompt, encoder(self.tokenizer))
        return {**self._pad_ids([ids], "left"), **self.ask([question]), "frame_features": [features]}

    def ask(self, questions: Sequence[str]) -> dict[str, torch.Tensor]:
        """What the query transformer reads, ``(batch, 1, ids)``: one question per row, without line breaks."""
        plain = [question.replace(IMAGE_MARK, "").replace("\n", "") for question in questions]
        ids, mask = encode_questions(self.question_tokenizer, plain)
        return {"question_ids": torch.tensor(ids)[:, None], "question_mask": torch.tensor(mask)[:, None]}

    def _picture(self, given: Any) -> Pixels:
        prepare = square_pixels if self.image_aspect_ratio == "pad" else centre_crop_pixels
        return prepare(_opened(given), self.image_processor.spec)

    def _clip(self, given: Any, fps: float, max_frames: int | None) -> list[Pixels]:
        """Frames of a video; they are cropped and never padded, as published."""
        spec = self.image_processor.spec

        def prepare(frame: Picture) -> Pixels:
            return centre_crop_pixels(frame, spec)

        if isinstance(given, (str, Path)):
            rate = read_frames(given, lambda total: list(range(min(1, total)))).average_fps or fps
            return list(read_frames(given, lambda total: sample(total, rate, fps, max_frames), prepare).frames)
        frames = given.frames if isinstance(given, VideoFrames) else given
        return prepare_many([_opened(frame) for frame in frames], prepare)

    def _pad_ids(self, ids: list[list[int]], side: Literal["left", "right"]) -> dict[str, torch.Tensor]:
        longest = max(len(row) for row in ids)
        padded = torch.full((len(ids), longest), self.tokenizer.pad_token_id or 0, dtype=torch.long)
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


def sample(total: int, rate: float, fps: float, max_frames: int | None) -> list[int]:
    """Frames of a video at ``fps``, thinned out evenly to ``max_frames``.

    Args:
        total: Frames in the video.
        rate: Its frames a second.
        fps: Frames a second wanted.
        max_frames: Most of them; None: no limit.

    Raises:
        InputError: No frames, a rate that is not positive, or a limit below one.
    """
    chosen = by_rate(total, rate, fps)
    if max_frames is None or len(chosen) <= max_frames:
        return chosen
    return [chosen[place] for place in uniform(len(chosen), max_frames)]


def _per_text(what: str, given: Any, count: int) -> list[Any]:
    if given is None:
        return [None] * count
    # One picture or video may come without a list around it, where there is one text.
    bare = not isinstance(given, (list, tuple)) or (what == "videos" and count == 1 and _are_frames(given))
    items = [given] if bare else list(given)
    if len(items) != count:
        raise InputError(
            Problem(f"{len(items)} {what} for {count} texts", "one per text, or None in its place", f"correct {what}")
        )
    return items


def _are_frames(given: Sequence[Any]) -> bool:
    return bool(given) and all(
        getattr(one, "ndim", 3) == 3 and not isinstance(one, (str, Path, list, tuple, type(None), VideoFrames))
        for one in given
    )


def _opened(given: Any) -> Picture:
    if isinstance(given, (str, Path)):
        return open_image(given)
    picture: Picture = given.numpy() if isinstance(given, torch.Tensor) else given
    return picture


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
