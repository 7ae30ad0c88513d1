"""AuroraCap as a transformers model: merged frames, projected, spliced into a Llama.

    pixel_values (batch, frames, 3, H, W) --tower--> (frames, n, 1280) --projector--> (frames, n, 4096)
    input_ids    (batch, ids), one placeholder per frame          --splice-->  (batch, ids - frames + frames * n, 4096)

Frames are independent of each other; nothing is kept between calls.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import GenerationMixin
from transformers.models.llava.modeling_llava import LlavaCausalLMOutputWithPast

from baselines.auroracap.backbone import AuroraCapModel, AuroraCapPreTrainedModel
from baselines.auroracap.config import AuroraCapConfig
from baselines.common.cache_name import name_cache, takes_cache
from baselines.common.splice import PaddingSide, Spliced, placeholders_per_row, splice
from baselines.common.spliced_model import SplicedLanguageModel, prompt_ids, touching
from baselines.token_reduction.schedule import check_ratio
from vdc.errors import InputError, Problem

logger = logging.getLogger(__name__)


class AuroraCapForConditionalGeneration(SplicedLanguageModel, AuroraCapPreTrainedModel, GenerationMixin):
    """AuroraCap with its language head.

    Args:
        config: The configuration.

    Source: AuroraCap (arXiv 2410.03051), repository rese1f/aurora at 2bf68d5. Differences: several videos in a batch,
    slow-fast for each of them, text-only rows, and no state left behind by a call.
    """

    def __init__(self, config: AuroraCapConfig) -> None:
        super().__init__(config)
        self.model = AuroraCapModel(config)
        self.lm_head = nn.Linear(config.text_config.hidden_size, config.text_config.vocab_size, bias=False)
        self.post_init()

    def splice_inputs(
        self,
        input_ids: Tensor,
        pixel_values: Tensor | None,
        *,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        frame_counts: Tensor | Sequence[int] | None = None,
        token_kept_ratio: float | None = None,
        slow_fast: bool | None = None,
        want_positions: bool = False,
        padding_side: PaddingSide = "right",
    ) -> Spliced:
        """Text embeddings with the visual tokens in place.

        Args:
            input_ids: ``(batch, ids)``, one placeholder per frame.
            pixel_values: ``(batch, frames, 3, height, width)``; 4-D means one frame each; None for text alone.
            attention_mask: ``(batch, ids)``; None means that all ids are real.
            labels: ``(batch, ids)``.
            frame_counts: Real frames of each row; None means all.
            token_kept_ratio: Fraction of tokens to keep, 0 to 1; None takes the configuration's.
            slow_fast: Leave each video's first frame unmerged; None takes the configuration's.
            want_positions: Return positions even if nothing is padded.
            padding_side: Side on which short rows are filled.

        Returns:
            As :func:`baselines.common.splice.splice`. Placeholders without a frame vanish, with a warning; frames
            without a placeholder are not encoded.

        Raises:
            InputError: Ratio outside [0, 1], or shapes that do not fit together.
        """
        ratio = check_ratio(self.config.token_kept_ratio if token_kept_ratio is None else token_kept_ratio)
        blocks: list[list[Tensor]] = [[] for _ in input_ids]
        dummy = None
        if pixel_values is not None:
            pixel_values = self._as_videos(pixel_values, len(input_ids))
            available = [pixel_values.shape[1]] * len(input_ids)
            if frame_counts is not None:
                available = [min(int(count), pixel_values.shape[1]) for count in frame_counts]
            holes = placeholders_per_row(input_ids, attention_mask, self.placeholder_ids)
            counts = [min(hole, frames) for hole, frames in zip(holes, available, strict=True)]
            use_slow_fast = self.config.slow_fast if slow_fast is None else slow_fast
            blocks = self.model.encode_videos(pixel_values, counts, ratio, slow_fast=use_slow_fast)
            if not any(counts) and self.training:
                dummy = self.model.encode_frames(pixel_values[0, :1], ratio)
        spliced = splice(
            input_ids=input_ids,
            visual=blocks,
            embed=self.get_input_embeddings(),
            attention_mask=attention_mask,
            labels=labels,
            want_positions=want_positions,
            placeholder_ids=self.placeholder_ids,
            padding_side=padding_side,
        )
        if spliced.dropped_placeholders:
            logger.warning("%d placeholders have no frame and are left out", spliced.dropped_placeholders)
        return touching(spliced, dummy)

    @staticmethod
    def _as_videos(pixel_values: Tensor, batch: int) -> Tensor:
        if pixel_values.ndim == 4:
            pixel_values = pixel_values[:, None]
        if pixel_values.ndim != 5 or len(pixel_values) != batch:
            raise InputError(
                Problem(
                    f"pixel values of shape {tuple(pixel_values.shape)} for {batch} rows of ids",
                    "(batch, frames, 3, height, width), or (batch, 3, height, width) for one frame each",
                    "prepare both with the processor",
                )
            )
        return pixel_values

    @takes_cache
    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        frame_counts: Tensor | None = None,
        token_kept_ratio: float | None = None,
        slow_fast: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> LlavaCausalLMOutputWithPast:
        """One pass; arguments as :meth:`splice_inputs` and as any causal language model of transformers.

        With pixels or placeholders the batch is padded anew on the right and logits lie along the spliced rows;
        ``position_ids`` are then made here and only their presence counts.

        Returns:
            ``loss`` (mean over all supervised tokens), ``logits`` ``(batch, length, vocabulary)`` and the cache.

        Raises:
            InputError: Neither ids nor embeddings are given, or as :meth:`splice_inputs`.
        """
        splice_inputs = partial(
            self.splice_inputs,
            pixel_values=pixel_values,
            attention_mask=attention_mask,
            labels=labels,
            frame_counts=frame_counts,
            token_kept_ratio=token_kept_ratio,
            slow_fast=slow_fast,
            want_positions=position_ids is not None,
        )
        return self.spliced_pass(
            splice_inputs,
            visual=pixel_values is not None,
            input_ids=input_ids,
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            cache=cache,
            labels=labels,
            logits_to_keep=logits_to_keep,
            kwargs=kwargs,
        )

    @torch.no_grad()
    def generate(  # type: ignore[override, unused-ignore]
        self,
        inputs: Tensor | None = None,
        *,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        frame_counts: Tensor | None = None,
        token_kept_ratio: float | None = None,
        slow_fast: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Generate for one or several videos or texts at once.

        Args:
            inputs: Same as ``input_ids``.
            input_ids: ``(batch, ids)``, padded on either side.
            pixel_values: As :meth:`splice_inputs`.
            attention_mask: ``(batch, ids)``.
            frame_counts: As :meth:`splice_inputs`.
            token_kept_ratio: As :meth:`splice_inputs`.
            slow_fast: As :meth:`splice_inputs`.
            kwargs: As ``GenerationMixin.generate``; with ``inputs_embeds`` everything goes there unchanged.

        Returns:
            As every model of transformers: the prompt's ids followed by the new ones (only the new ones where
            ``inputs_embeds`` were given).

        Raises:
            InputError: As :meth:`splice_inputs`, or no prompt.
        """
        if "inputs_embeds" in kwargs:
            return super().generate(attention_mask=attention_mask, **name_cache(kwargs))
        input_ids = prompt_ids(inputs, input_ids)
        spliced = self.splice_inputs(
            input_ids,
            pixel_values,
            attention_mask=attention_mask,
            frame_counts=frame_counts,
            token_kept_ratio=token_kept_ratio,
            slow_fast=slow_fast,
            padding_side="left",  # new tokens follow each row's last real one
        )
        return self.generate_after(input_ids, spliced, **kwargs)
