"""LLaMA-VID as a captioner: frames are encoded once, their two tokens are made anew for every question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from baselines.captioning.checkpoints import Checkpoint
from baselines.captioning.own_captioner import OwnCaptioner
from baselines.captioning.own_model import Prompt, load_placed, refuse_options
from baselines.captioning.types import Footage, Media, ModelSettings, Turn
from baselines.common.images import Picture, Pixels, centre_crop_pixels, square_pixels
from baselines.common.prompts import IMAGE_MARK, encode_with_placeholders, without_marks
from baselines.common.splice import Spliced
from baselines.llama_vid.features import Film
from baselines.llama_vid.film_answer import check_room
from baselines.llama_vid.load import load_model, load_processor
from baselines.llama_vid.prompts import ask, ask_about_film, load_template
from baselines.llama_vid.visual_rows import Layout, row_blocks


def open_captioner(checkpoint: Checkpoint, settings: ModelSettings, device: str) -> OwnCaptioner:
    """LLaMA-VID, loaded.

    Args:
        checkpoint: In native layout.
        settings: See :class:`ModelSettings`.
        device: Where the model goes; ``auto`` spreads it over all GPUs.

    Raises:
        InputError: A ratio or compressor, or a broken checkpoint.
        MissingExtra: 4 or 8 bits without bitsandbytes.
    """
    refuse_options(settings, "LLaMA-VID", "token_kept_ratio", "compressor")
    return OwnCaptioner(LlamaVid(checkpoint, settings, device), checkpoint, settings)


class LlamaVid:
    """See :class:`baselines.captioning.own_model.OwnModel`; arguments as :func:`open_captioner`."""

    def __init__(self, checkpoint: Checkpoint, settings: ModelSettings, device: str) -> None:
        self.model = load_placed(load_model, checkpoint, settings, device)
        self._processor = load_processor(checkpoint.source, revision=checkpoint.revision)
        self.tokenizer = self._processor.tokenizer
        self._spec = self._processor.image_processor.spec
        self._longest = settings.max_new_tokens

    def facts(self) -> dict[str, Any]:
        """One token for the question and what the compression leaves of the picture."""
        return {
            "visual_tokens_per_frame": self._processor.tokens_per_frame,
            "compress_type": self.model.config.compress_type,
            "visual_layout": "a block per clip",
        }

    def frame(self, picture: Picture) -> Pixels:
        """The centre: frames of videos are never padded, as published."""
        return centre_crop_pixels(picture, self._spec)

    def still(self, picture: Picture) -> Pixels:
        """By the configuration, on a square or its centre."""
        if self._processor.image_aspect_ratio == "pad":
            return square_pixels(picture, self._spec)
        return centre_crop_pixels(picture, self._spec)

    def encode(self, pixels: Tensor) -> Sequence[Tensor]:
        """Frames to features ``(1 + patches, vision dim)`` each, which no question enters."""
        return list(self.model.model.encode_frames(pixels))

    def prompts(self, media: Media, features: Sequence[Tensor], talks: Sequence[Sequence[Turn]]) -> list[Prompt]:
        """A picture or video stands as one block with the question that is asked; a film token by token in its text."""
        film = None if isinstance(media, Footage) else media
        layout: Layout = "block" if film is None else "token"
        ids = [self._ids(film, turns) for turns in talks]
        if film is not None:
            # A placeholder per token, so the length is known before minutes are spent on the tokens.
            check_room(self.model.config, film, max(map(len, ids)), self._longest)
        seen = torch.stack(list(features)) if film is None else film.tensor()
        made = self._visual_tokens(seen, talks)
        return [Prompt(row, row_blocks(tokens[None], layout, 1)) for row, tokens in zip(ids, made, strict=True)]

    def _ids(self, film: Film | None, turns: Sequence[Turn]) -> list[int]:
        question = turns[-1].question
        if film is None:
            text = ask(question, pictures=True)
        else:
            text = ask_about_film(question, film.inputs, tokens_per_frame=self._processor.tokens_per_frame)
        return encode_with_placeholders(after_earlier_turns(text, turns[:-1]), self._processor.encode)

    def _visual_tokens(self, seen: Tensor, talks: Sequence[Sequence[Turn]]) -> Tensor:
        """``(questions, tokens, text dim)``; the model takes a bounded number of frames and questions at a time."""
        asked = self._processor.ask([turns[-1].question for turns in talks])
        device = self.model.device
        ids, mask = (asked[name][:, 0].to(device) for name in ("question_ids", "question_mask"))
        tokens: Tensor = self.model.model.visual_tokens([seen], [ids], [mask])[0]
        return tokens

    def generation_options(self, spliced: Spliced) -> dict[str, Any]:
        """Nothing beside the embeddings."""
        del spliced
        return {}


def after_earlier_turns(prompt: str, earlier: Sequence[Turn]) -> str:
    """A prompt for one question with what was said before it.

    The picture stays with the last question, as in the published command line: its tokens are made for that one.

    Args:
        prompt: Of :func:`baselines.llama_vid.prompts.ask` or ``ask_about_film``.
        earlier: Complete exchanges.
    """
    if not earlier:
        return prompt
    template = load_template()
    opening = template.system + template.separators[0]
    said = [clean(part) for turn in earlier for part in (turn.question, turn.answer or "")]
    return template.render(said) + prompt.removeprefix(opening)


def clean(text: str) -> str:
    """Text from outside without anything that would claim a picture or end a turn."""
    return without_marks(text, IMAGE_MARK, "</s>", "<s>")
