"""Prompts in which every picture has its own mark, as LLaVA writes them, to model inputs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, TypeAlias

from transformers import BatchFeature

from baselines.common.chat_template import chat_template as template_of
from baselines.common.frame_sampling import SamplingRule, sample_indices
from baselines.common.images import Pixels, open_picture
from baselines.common.processor import VisualProcessor
from baselines.common.prompts import IMAGE_MARK, VIDEO_MARK, PromptFormat, load_format
from baselines.common.splice import PaddingSide
from baselines.common.visual_inputs import Prepare, clip_pixels, flat, is_picture, is_video, stack_pixels
from vdc.errors import InputError, Problem

DEFAULT_FRAMES = 8

Fit: TypeAlias = Literal["crop", "pad"]
"""``crop`` the centre of a picture, or ``pad`` it to a square so that nothing is cut off."""


class MarkedProcessor(VisualProcessor):
    """Tokenizer and image processor together, for models that see one placeholder per picture or frame.

    A model's own processor says where its format strings lie, and what ``fit`` means.

    Args:
        image_processor: An :class:`baselines.common.processor.ExactImageProcessor`.
        tokenizer: The language model's tokenizer.
        chat_template: Jinja template; None takes the one of the format strings.
    """

    format_package: ClassVar[str]
    """Package with the model's ``format.json``."""

    default_sampling: ClassVar[SamplingRule]
    """How frames of a video file are picked where a call does not say."""

    def __init__(
        self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None, **_: Any
    ) -> None:
        super().__init__(image_processor, tokenizer, chat_template=chat_template or template_of(self.prompt_format()))

    @classmethod
    def prompt_format(cls) -> PromptFormat:
        """The strings around questions and answers."""
        return load_format(cls.format_package)

    def preparation(self, fit: Fit | None) -> Prepare:
        """From a picture to pixels.

        Args:
            fit: None takes the model's own.
        """
        raise NotImplementedError

    def prompt(self, question: str, frames: int, *, system: bool | None = None) -> str:
        """The published prompt for one question about ``frames`` frames.

        Args:
            question: The question.
            frames: Pictures, or frames of a video; 0 for text alone.
            system: Put the system sentence in front; None does as the weights were trained.
        """
        return self.prompt_format().prompt(question, frames, system=system)

    def __call__(
        self,
        images: Any = None,
        text: str | Sequence[str] | None = None,
        videos: Any = None,
        *,
        num_frames: int = DEFAULT_FRAMES,
        sampling: SamplingRule | None = None,
        fit: Fit | None = None,
        padding_side: PaddingSide = "left",
        add_special_tokens: bool = True,
        return_tensors: str = "pt",
        **_: Any,
    ) -> BatchFeature:
        """Prepare a batch.

        Args:
            images: Pictures (PIL, arrays, paths or data: URLs) in the order of the ``<image>`` marks, flat or nested
                per text.
            text: One prompt or several, with a ``<image>`` mark per picture and a ``<video>`` mark per video; a video
                mark becomes one picture mark per frame.
            videos: Videos in the order of the ``<video>`` marks, flat or nested per text.
            num_frames: Frames taken from a video file.
            sampling: Rule that picks them; None takes the model's own.
            fit: How a picture is made square; None takes the model's own.
            padding_side: Side on which short prompts are filled.
            add_special_tokens: Start each prompt with bos.
            return_tensors: Only ``pt``.

        Returns:
            ``input_ids`` and ``attention_mask`` ``(batch, ids)``; with pictures also ``pixel_values``
            ``(batch, frames, 3, side, side)``, zero on missing frames, and, for models that take them,
            ``frame_counts`` ``(batch,)``.

        Raises:
            InputError: No text, or as many marks as pictures or videos are not there, or an unreadable file.
        """
        if return_tensors != "pt" or text is None:
            raise InputError(
                Problem(f"text {text!r} as {return_tensors!r} tensors", "prompts, as 'pt' tensors", "give text=...")
            )
        prompts = [text] if isinstance(text, str) else list(text)
        pictures, clips = flat(images, is_picture), flat(videos, is_video)
        wanted = [sum(prompt.count(mark) for prompt in prompts) for mark in (IMAGE_MARK, VIDEO_MARK)]
        if wanted != [len(pictures), len(clips)]:
            raise InputError(
                Problem(
                    f"{len(pictures)} pictures and {len(clips)} videos for {wanted[0]} and {wanted[1]} marks",
                    f"one {IMAGE_MARK} per picture and one {VIDEO_MARK} per video",
                    "let processor.prompt or apply_chat_template write the prompt",
                )
            )
        rule = sampling or self.default_sampling
        prepare = self.preparation(fit)
        separator = self.prompt_format().placeholder_separator
        rows: list[list[Pixels]] = []
        whole: list[str] = []
        for prompt in prompts:
            frames: list[Pixels] = []
            parts: list[str] = []
            for part in re.split(f"({IMAGE_MARK}|{VIDEO_MARK})", prompt):
                if part == IMAGE_MARK:
                    frames.append(prepare(open_picture(pictures.pop(0))))
                elif part == VIDEO_MARK:
                    pixels = clip_pixels(clips.pop(0), lambda total: sample_indices(total, num_frames, rule), prepare)
                    frames.extend(pixels)
                    part = separator.join([IMAGE_MARK] * len(pixels))
                parts.append(part)
            rows.append(frames)
            whole.append("".join(parts))
        ids = self.encode_prompts(whole, padding_side=padding_side, add_special_tokens=add_special_tokens)
        visual = {name: value for name, value in stack_pixels(rows).items() if name in self.model_input_names}
        return BatchFeature({**ids, **visual})
