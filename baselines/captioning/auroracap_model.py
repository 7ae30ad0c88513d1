"""AuroraCap as a captioner: the frames of a clip are encoded once for all questions about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from baselines.auroracap.load import load_model, load_processor
from baselines.captioning.checkpoints import Checkpoint
from baselines.captioning.streaming import chat_messages, stream_text
from baselines.captioning.types import ClipQuestions, Frames, ModelSettings, Turn
from baselines.common.prompts import encode_with_placeholders
from baselines.common.splice import splice
from baselines.token_reduction.interface import EncoderShape
from baselines.token_reduction.methods import TokenMerging
from baselines.token_reduction.schedule import check_ratio


class AuroraCapCaptioner:
    """Answers questions about clips with AuroraCap; see :class:`baselines.captioning.types.ClipModel`.

    Args:
        checkpoint: In native layout.
        settings: See :class:`ModelSettings`.
        device: Where the model goes; ``auto`` spreads it over all GPUs.

    Raises:
        InputError: A ratio outside [0, 1], a broken checkpoint.
        MissingExtra: 4 or 8 bits without bitsandbytes.
    """

    def __init__(self, checkpoint: Checkpoint, settings: ModelSettings, device: str) -> None:
        if settings.token_kept_ratio is not None:
            check_ratio(settings.token_kept_ratio)
        self._checkpoint = checkpoint
        self._settings = settings
        quantized = settings.quantize is not None
        self._model = load_model(
            checkpoint.source,
            dtype="auto" if settings.dtype == "auto" else getattr(torch, settings.dtype),
            # a quantised model is placed while it loads and cannot be moved afterwards
            device_map=device if quantized or device == "auto" else None,
            bits=None if settings.quantize is None else (4 if settings.quantize == "4bit" else 8),
        )
        if not quantized and device != "auto":
            self._model.to(device)
        self._processor = load_processor(checkpoint.source)
        configured = float(self._model.config.token_kept_ratio)
        self._ratio = configured if settings.token_kept_ratio is None else settings.token_kept_ratio

    def facts(self) -> dict[str, Any]:
        """What identifies the model, with the tokens it spends on a frame."""
        vision = self._model.config.vision_config
        layers = vision.num_hidden_layers
        chosen = int(self._model.config.vision_feature_layer)
        shape = EncoderShape(
            vision.image_size, vision.patch_size, layers, chosen if chosen >= 0 else layers + 1 + chosen
        )
        tokens = TokenMerging(self._ratio).budget(1, shape).visual_tokens
        return {
            **self._checkpoint.facts(),
            "token_kept_ratio": self._ratio,
            "visual_tokens_per_frame": tokens,
            "dtype": str(self._model.dtype).removeprefix("torch."),
        }

    @torch.inference_mode()
    def answer(self, clips: Sequence[ClipQuestions]) -> list[list[str]]:
        """The answers; all questions about all clips are generated together."""
        rows: list[list[int]] = []
        visual: list[list[Tensor]] = []
        for clip in clips:
            frames = self._encode(clip.frames)
            for question in clip.questions:
                rows.append(self._prompt_ids(question, len(frames)))
                visual.append(frames)
        texts = iter(self._generate(rows, visual))
        return [[next(texts) for _ in clip.questions] for clip in clips]

    def stream(self, frames: Frames, turns: Sequence[Turn]) -> Iterator[str]:
        """As :meth:`ChatModel.stream`."""
        prompt = self._processor.apply_chat_template(chat_messages(len(frames), turns), tokenize=False)
        inputs = self._processor(text=prompt, images=list(frames)).to(self._model.device)
        inputs["pixel_values"] = inputs["pixel_values"].to(self._tower_dtype)

        def generate(streamer: Any) -> None:
            self._model.generate(
                **inputs,
                token_kept_ratio=self._ratio,
                max_new_tokens=self._settings.max_new_tokens,
                do_sample=False,
                streamer=streamer,
            )

        return stream_text(self._processor.tokenizer, generate)

    @property
    def _tower_dtype(self) -> torch.dtype:
        dtype: torch.dtype = self._model.model.vision_tower.embeddings.patch_embedding.weight.dtype
        return dtype

    def _encode(self, frames: Frames) -> list[Tensor]:
        pixels = self._processor(text="<video>", videos=[list(frames)])["pixel_values"]
        pixels = pixels.to(self._model.device, self._tower_dtype)  # (1, frames, 3, side, side)
        return self._model.model.encode_videos(pixels, [pixels.shape[1]], self._ratio, slow_fast=False)[0]

    def _prompt_ids(self, question: str, frames: int) -> list[int]:
        def encode(text: str, special_tokens: bool) -> list[int]:
            ids: list[int] = self._processor.tokenizer(text, add_special_tokens=special_tokens)["input_ids"]
            return ids

        return encode_with_placeholders(self._processor.prompt(question, frames), encode)

    def _generate(self, rows: list[list[int]], visual: list[list[Tensor]]) -> list[str]:
        device = self._model.device
        longest = max(len(row) for row in rows)
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.zeros(len(rows), longest, dtype=torch.bool)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row)
            mask[number, : len(row)] = True
        spliced = splice(
            input_ids=ids.to(device),
            visual=visual,
            embed=self._model.get_input_embeddings(),
            attention_mask=mask.to(device),
            placeholder_ids=self._model.placeholder_ids,
            padding_side="left",
        )
        assert spliced.attention_mask is not None  # noqa: S101  (a mask was given)
        made = self._model.generate(
            inputs_embeds=spliced.inputs_embeds,
            attention_mask=spliced.attention_mask.long(),
            max_new_tokens=self._settings.max_new_tokens,
            do_sample=False,
        )
        texts: list[str] = self._processor.tokenizer.batch_decode(made, skip_special_tokens=True)
        return [text.strip() for text in texts]
