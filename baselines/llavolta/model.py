"""LLaVolta as a transformers model: pictures, projected, spliced into a Llama that compresses them on the way.

    pixel_values (pictures, 3, H, W) --tower--> (pictures, 576, 1024) --projector--> (pictures, 576, 4096)
    input_ids    (batch, ids), one placeholder per picture        --splice-->  (batch, positions, 4096)
    layer K      every span of 576 becomes floor(576 / s)         --head-->    (batch, fewer positions, vocabulary)

Frames of a video are pictures. Nothing is kept between calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import GenerationMixin
from transformers.models.llava.modeling_llava import LlavaCausalLMOutputWithPast

from baselines.common.cache_name import CACHE_NAME, takes_cache
from baselines.common.splice import PaddingSide, Span, Spliced, placeholders_per_row, splice
from baselines.common.spliced_model import SplicedLanguageModel, touching
from baselines.llavolta.backbone import LlavoltaModel, LlavoltaPreTrainedModel
from baselines.llavolta.cache import CompressedCache
from baselines.llavolta.compress import make_layout
from baselines.llavolta.compressors.received import last_of_prompt
from baselines.llavolta.config import LlavoltaConfig
from baselines.llavolta.decoder import DecoderCompression
from baselines.llavolta.generation import check_options, spans_from_tensor, spans_to_tensor
from baselines.llavolta.pictures import Pictures, assign_pictures, first_picture
from baselines.llavolta.setting import Compression
from vdc.errors import InputError, Problem


@dataclass
class LlavoltaOutput(LlavaCausalLMOutputWithPast):  # type: ignore[misc, unused-ignore]
    """Output of one pass.

    Args (beside those of LLaVA):
        position_ids: ``(batch, compressed length)`` position ids behind the logits.
        attention_mask: Same shape, bool, True where logits belong to real positions; None without compression.
        labels: Labels along the logits; None where none were given.
    """

    position_ids: Tensor | None = None
    attention_mask: Tensor | None = None
    labels: Tensor | None = None


class LlavoltaForConditionalGeneration(SplicedLanguageModel, LlavoltaPreTrainedModel, GenerationMixin):
    """LLaVolta with its language head.

    Args:
        config: The configuration.

    Source: LLaVolta (arXiv 2406.20092), repository Beckschen/LLaVolta at 31ec151. Differences: rows with any number of
    pictures or none, either padding side, beam search, layer 0 with a cache, and no counter or span left on the model.
    """

    def __init__(self, config: LlavoltaConfig) -> None:
        super().__init__(config)
        self.model = LlavoltaModel(config)
        self.lm_head = nn.Linear(config.text_config.hidden_size, config.text_config.vocab_size, bias=False)
        self.post_init()

    def splice_inputs(
        self,
        input_ids: Tensor,
        pixel_values: Pictures | None,
        *,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        compression: Compression | None = None,
        padding_side: PaddingSide = "right",
        max_length: int | None = None,
    ) -> Spliced:
        """Text embeddings with the visual tokens in place, not yet compressed inside the decoder.

        Args:
            input_ids: ``(batch, ids)``, one placeholder per picture.
            pixel_values: As :func:`assign_pictures`; None for text alone.
            attention_mask: ``(batch, ids)``; None means that all ids are real.
            labels: ``(batch, ids)``.
            compression: None takes the configuration's.
            padding_side: Side on which short rows are filled.
            max_length: Longest row in positions; longer rows lose their end.

        Raises:
            InputError: Pictures that do not fit the placeholders.
        """
        chosen = compression or self.config.compression
        holes = placeholders_per_row(input_ids, attention_mask, self.placeholder_ids)
        blocks: list[list[Tensor]] = [[] for _ in holes]
        dummy = None
        if pixel_values is None:
            if any(holes):
                raise InputError(
                    Problem(f"{sum(holes)} placeholders and no pictures", "a picture each", "give pixel_values")
                )
        else:
            stack, numbers = assign_pictures(pixel_values, holes)
            if stack is not None:
                tokens = self.model.encode_pictures(stack, chosen)
                blocks = [[tokens[number] for number in row] for row in numbers]
            elif self.training and (spare := first_picture(pixel_values)) is not None:
                dummy = self.model.encode_pictures(spare, chosen)
        spliced = splice(
            input_ids=input_ids,
            visual=blocks,
            embed=self.get_input_embeddings(),
            attention_mask=attention_mask,
            labels=labels,
            placeholder_ids=self.placeholder_ids,
            padding_side=padding_side,
            max_length=max_length,
        )
        return touching(spliced, dummy)

    @takes_cache
    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Pictures | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        compression: Compression | None = None,
        visual_spans: Tensor | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> LlavoltaOutput:
        """One pass; arguments as :meth:`splice_inputs` and as any causal language model of transformers.

        With pictures the batch is padded anew on the right, position ids are made here, and rows of ``labels`` longer
        than the configuration's ``max_sequence_length`` are cut. Logits lie along the compressed rows.

        Args (the rest):
            position_ids: For embeddings and for text alone.
            visual_spans: With ``inputs_embeds``: ``(batch, spans, 2)`` start and length of each visual span, length 0
                where a row has fewer.

        Returns:
            ``loss`` (mean over all supervised tokens), ``logits`` and the cache; see :class:`LlavoltaOutput`.

        Raises:
            InputError: Not exactly one of ids and embeddings, or as :meth:`splice_inputs`.
        """
        chosen = compression or self.config.compression
        splice_inputs = partial(
            self.splice_inputs,
            pixel_values=pixel_values,
            attention_mask=attention_mask,
            labels=labels,
            compression=chosen,
            max_length=self.config.max_sequence_length if labels is not None else None,
        )
        seen = self.decoder_inputs(
            splice_inputs,
            visual=pixel_values is not None,
            input_ids=input_ids,
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            cache=cache,
            labels=labels,
        )
        spans = seen.spliced.spans if seen.spliced else ()
        if inputs_embeds is not None and visual_spans is not None and seen.first:
            spans = spans_from_tensor(visual_spans)
        labels = seen.labels
        plan = self._plan(spans, chosen, seen.inputs_embeds, seen.attention_mask, labels)
        outputs = self.model(
            inputs_embeds=seen.inputs_embeds,
            attention_mask=seen.attention_mask,
            position_ids=None if seen.spliced else position_ids,  # the decoder counts what is left
            compression=plan,
            **{CACHE_NAME: cache},
            **kwargs,
        )
        if plan is not None and labels is not None:
            labels = plan.layout.labels(labels)
        return LlavoltaOutput(
            **self.head_outputs(outputs, labels, logits_to_keep, **kwargs),
            position_ids=outputs.position_ids,
            attention_mask=outputs.attention_mask,
            labels=labels,
        )

    def _plan(
        self,
        spans: tuple[tuple[Span, ...], ...],
        compression: Compression,
        embeds: Tensor,
        attention_mask: Tensor | None,
        labels: Tensor | None,
    ) -> DecoderCompression | None:
        """How this batch is compressed inside the decoder; None where it is not."""
        if not any(spans) or not compression.inside_decoder(self.config.text_config.num_hidden_layers):
            return None
        count = embeds.shape[1]
        layout = make_layout(spans, compression.stride, positions=count, attention_mask=attention_mask)
        queries = None
        if compression.grouping == "attention":
            queries = last_of_prompt(spans, positions=count, attention_mask=attention_mask, labels=labels)
        return DecoderCompression(
            layer=compression.layer,
            layout=layout,
            rounding=self.config.position_rounding,
            grouping=compression.grouping,
            seed=self.model.drop_seed,
            queries=queries,
        )

    @torch.no_grad()
    def generate(  # type: ignore[override, unused-ignore]
        self,
        inputs: Tensor | None = None,
        *,
        input_ids: Tensor | None = None,
        pixel_values: Pictures | None = None,
        attention_mask: Tensor | None = None,
        compression: Compression | None = None,
        **kwargs: Any,
    ) -> Any:
        """Generate for one or several rows at once, with pictures or without, greedy, sampled or by beam search.

        Args:
            inputs: Same as ``input_ids``.
            input_ids: ``(batch, ids)``, padded on either side.
            pixel_values: As :meth:`splice_inputs`.
            attention_mask: ``(batch, ids)``.
            compression: None takes the configuration's.
            kwargs: As ``GenerationMixin.generate``.

        Returns:
            As every model of transformers: the prompt's ids followed by the new ones.

        Raises:
            InputError: As :meth:`splice_inputs`; no prompt; or an option that cannot work with compressed prompts: a
                static or quantised cache, or no cache at all.
        """
        input_ids = inputs if input_ids is None else input_ids
        if input_ids is None or "inputs_embeds" in kwargs:
            raise InputError(Problem("no ids, or embeddings", "input_ids", "prepare the text with the processor"))
        check_options(kwargs)
        chosen = compression or self.config.compression
        spliced = self.splice_inputs(
            input_ids,
            pixel_values,
            attention_mask=attention_mask,
            compression=chosen,
            padding_side="left",  # new tokens follow each row's last real one
        )
        return self.generate_after(
            input_ids,
            spliced,
            visual_spans=spans_to_tensor(spliced.spans, spliced.inputs_embeds.device),
            compression=chosen,
            **{CACHE_NAME: CompressedCache(config=self.config.text_config)},
            **kwargs,
        )
