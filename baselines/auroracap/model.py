"""AuroraCap as a transformers model: merged frames, projected, spliced into a Llama.

    pixel_values (batch, frames, 3, H, W) --tower--> (frames, n, 1280) --projector--> (frames, n, 4096)
    input_ids    (batch, ids), one placeholder per frame          --splice-->  (batch, ids - frames + frames * n, 4096)

Frames are independent of each other; nothing is kept between calls.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import GenerationMixin
from transformers.models.llava.modeling_llava import LlavaCausalLMOutputWithPast

from baselines.auroracap.backbone import AuroraCapModel, AuroraCapPreTrainedModel
from baselines.auroracap.config import AuroraCapConfig
from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.common.splice import PaddingSide, Spliced, placeholder_mask, placeholders_per_row, splice
from baselines.token_reduction.schedule import check_ratio
from vdc.errors import InputError, Problem

logger = logging.getLogger(__name__)


class AuroraCapForConditionalGeneration(AuroraCapPreTrainedModel, GenerationMixin):
    """AuroraCap with its language head.

    Args:
        config: The configuration.

    Source: AuroraCap (arXiv 2410.03051), repository rese1f/aurora at 2bf68d5. Differences: several videos in a batch,
    slow-fast for each of them, text-only rows, and no state left behind by a call.
    """

    _tied_weights_keys = {"lm_head.weight": "model.language_model.embed_tokens.weight"}  # noqa: RUF012

    def __init__(self, config: AuroraCapConfig) -> None:
        super().__init__(config)
        self.model = AuroraCapModel(config)
        self.lm_head = nn.Linear(config.text_config.hidden_size, config.text_config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Table of the text embeddings."""
        return self.model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the table of the text embeddings."""
        self.model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        """The language head."""
        return self.lm_head

    @property
    def placeholder_ids(self) -> tuple[int, ...]:
        """Ids that stand for a frame: the one of the data formats and the tokenizer's."""
        return tuple({IMAGE_PLACEHOLDER, int(self.config.image_token_index)})

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
                # Every worker of a parallel training must touch the same parameters in every step.
                dummy = self.model.encode_frames(pixel_values[0, :1], ratio).sum() * 0
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
        if dummy is not None:
            spliced.inputs_embeds.add_(dummy.to(spliced.inputs_embeds.dtype))
        return spliced

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

    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
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
        if (input_ids is None) == (inputs_embeds is None):
            raise InputError(
                Problem(
                    "both or neither of ids and embeddings", "exactly one of them", "give input_ids or inputs_embeds"
                )
            )
        if input_ids is not None:
            fresh = past_key_values is None or past_key_values.get_seq_length() == 0
            if fresh and (pixel_values is not None or bool(placeholder_mask(input_ids, self.placeholder_ids).any())):
                spliced = self.splice_inputs(
                    input_ids,
                    pixel_values,
                    attention_mask=attention_mask,
                    labels=labels,
                    frame_counts=frame_counts,
                    token_kept_ratio=token_kept_ratio,
                    slow_fast=slow_fast,
                    want_positions=position_ids is not None,
                )
                inputs_embeds, attention_mask = spliced.inputs_embeds, spliced.attention_mask
                position_ids, labels = spliced.position_ids, spliced.labels
            else:
                inputs_embeds = self.get_input_embeddings()(input_ids)
        outputs = self.model(
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            **kwargs,
        )
        hidden = outputs.last_hidden_state
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(hidden[:, kept])
        loss = None
        if labels is not None:
            vocabulary = self.config.text_config.vocab_size
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=vocabulary, **kwargs)
        return LlavaCausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
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
        input_ids = inputs if input_ids is None else input_ids
        if "inputs_embeds" in kwargs:
            return super().generate(attention_mask=attention_mask, **kwargs)
        if input_ids is None:
            raise InputError(Problem("no prompt", "input_ids or inputs_embeds", "prepare the text with the processor"))
        spliced = self.splice_inputs(
            input_ids,
            pixel_values,
            attention_mask=attention_mask,
            frame_counts=frame_counts,
            token_kept_ratio=token_kept_ratio,
            slow_fast=slow_fast,
            padding_side="left",  # new tokens follow each row's last real one
        )
        embeds = spliced.inputs_embeds
        mask = spliced.attention_mask
        if mask is None:
            mask = torch.ones(embeds.shape[:2], dtype=torch.bool, device=embeds.device)
        made = super().generate(inputs_embeds=embeds, attention_mask=mask.long(), **kwargs)
        sequences = made if isinstance(made, Tensor) else made.sequences
        copies = len(sequences) // len(input_ids)
        whole = torch.cat([input_ids.repeat_interleave(copies, dim=0), sequences], dim=1)
        if isinstance(made, Tensor):
            return whole
        made.sequences = whole
        return made
