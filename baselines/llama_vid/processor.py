"""Prompts, questions and pictures to model inputs, and ids back to text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import BatchFeature

from baselines.common.frame_sampling import by_rate, uniform
from baselines.common.images import Picture, Pixels, centre_crop_pixels, open_picture, square_pixels
from baselines.common.processor import ExactImageProcessor, VisualProcessor
from baselines.common.splice import PaddingSide
from baselines.common.video import read_frames
from baselines.common.visual_inputs import clip_pixels, is_frame_list, stack_pixels
from baselines.llama_vid.prompts import DEFAULT_TEMPLATE, IMAGE_MARK, ask, ask_about_film
from baselines.llama_vid.tokenizer import encode_questions
from vdc.errors import InputError, Problem

DEFAULT_FPS = 1.0
"""Frames a second of every published video setting."""


class LlamaVidImageProcessor(ExactImageProcessor):
    """Image settings of LLaMA-VID; a class of its own, because saved settings name it."""


class LlamaVidProcessor(VisualProcessor):
    """Both tokenizers and the image processor together.

    Args:
        image_processor: A :class:`LlamaVidImageProcessor`.
        tokenizer: The language model's tokenizer.
        question_tokenizer: The query transformer's tokenizer.
        image_aspect_ratio: As ``LlamaVidConfig.image_aspect_ratio``.
        tokens_per_frame: Visual tokens of one frame; how many marks a frame of a film becomes.
    """

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
        padding_side: PaddingSide = "left",
        return_tensors: str = "pt",
        **_: Any,
    ) -> BatchFeature:
        """Prepare questions, each about one picture, one video, or nothing.

        Args:
            images: One picture (PIL, array, path or data: URL) per text; None in its place for a text about none.
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
        prompts: list[str] = []
        for question, picture, clip in zip(questions, pictures, clips, strict=True):
            if picture is not None and clip is not None:
                raise InputError(Problem("a picture and a video for one question", "one of them", "ask twice"))
            frames = [] if clip is None else self._clip(clip, fps, max_frames)
            if picture is not None:
                frames = [self._picture(picture)]
            rows.append(frames)
            prompts.append(ask(question, pictures=bool(frames), template=template))
        ids = self.encode_prompts(prompts, padding_side=padding_side)
        return BatchFeature({**ids, **self.ask(questions), **stack_pixels(rows)})

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
        ids = self.encode_prompts([prompt], padding_side="left")
        return {**ids, **self.ask([question]), "frame_features": [features]}

    def ask(self, questions: Sequence[str]) -> dict[str, torch.Tensor]:
        """What the query transformer reads, ``(batch, 1, ids)``: one question per row, without line breaks."""
        plain = [question.replace(IMAGE_MARK, "").replace("\n", "") for question in questions]
        ids, mask = encode_questions(self.question_tokenizer, plain)
        return {"question_ids": torch.tensor(ids)[:, None], "question_mask": torch.tensor(mask)[:, None]}

    def _picture(self, given: Any) -> Pixels:
        prepare = square_pixels if self.image_aspect_ratio == "pad" else centre_crop_pixels
        return prepare(open_picture(given), self.image_processor.spec)

    def _clip(self, given: Any, fps: float, max_frames: int | None) -> list[Pixels]:
        """Frames of a video; they are cropped and never padded, as published."""
        spec = self.image_processor.spec
        rate = fps
        if isinstance(given, (str, Path)):
            rate = read_frames(given, lambda total: list(range(min(1, total)))).average_fps or fps

        def prepare(frame: Picture) -> Pixels:
            return centre_crop_pixels(frame, spec)

        return clip_pixels(given, lambda total: sample(total, rate, fps, max_frames), prepare)


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
    bare = not isinstance(given, (list, tuple)) or (what == "videos" and count == 1 and is_frame_list(given))
    items = [given] if bare else list(given)
    if len(items) != count:
        raise InputError(
            Problem(f"{len(items)} {what} for {count} texts", "one per text, or None in its place", f"correct {what}")
        )
    return items
