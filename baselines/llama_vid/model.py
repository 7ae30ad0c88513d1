"""LLaMA-VID as a transformers model: each frame two tokens (or a few more), made for the question that is asked.

    pixel_values (batch, frames, 3, H, W) --tower--> (frames, 257, 1408)
    question_ids (batch, questions, ids)  --query transformer, context attention-->  (questions, frames * 2, 4096)
    input_ids    (batch, ids)             --splice-->  (batch, ids + visual, 4096)

Nothing is kept between calls. Features of frames depend on no question: keep what ``encode_frames`` returned and hand
it in as ``frame_features`` with the next question.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import GenerationMixin
from transformers.models.llava.modeling_llava import LlavaCausalLMOutputWithPast

from baselines.common.cache_name import name_cache, takes_cache
from baselines.common.splice import PaddingSide, Spliced, placeholders_per_row, splice
from baselines.common.spliced_model import SplicedLanguageModel, prompt_ids, touching
from baselines.llama_vid.backbone import LlamaVidModel, LlamaVidPreTrainedModel
from baselines.llama_vid.config import LlamaVidConfig
from baselines.llama_vid.visual_rows import Row, choose_layouts, frames_per_row, questions_per_row, row_blocks


class LlamaVidForConditionalGeneration(SplicedLanguageModel, LlamaVidPreTrainedModel, GenerationMixin):
    """LLaMA-VID with its language head.

    Args:
        config: The configuration.

    Source: LLaMA-VID (arXiv 2311.17043), repository dvlab-research/LLaMA-VID at b3d3ae2b. Differences: text alone
    works, batches of unequal length work with and without labels, the question is an argument and not a state of the
    model, and long videos are told by what is handed in and not by the width of a tensor.
    """

    def __init__(self, config: LlamaVidConfig) -> None:
        super().__init__(config)
        text = config.text_config
        self.model = LlamaVidModel(config)
        self.lm_head = nn.Linear(text.hidden_size, text.vocab_size, bias=False)
        self.post_init()

    def splice_inputs(
        self,
        input_ids: Tensor,
        pixel_values: Tensor | Sequence[Tensor] | None = None,
        *,
        question_ids: Tensor | None = None,
        question_mask: Tensor | None = None,
        frame_counts: Tensor | Sequence[int] | None = None,
        frame_features: Sequence[Tensor] | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        want_positions: bool = False,
        padding_side: PaddingSide = "right",
    ) -> Spliced:
        """Text embeddings with the visual tokens in place.

        Args:
            input_ids: ``(batch, ids)``.
            pixel_values: ``(batch, frames, 3, side, side)``; 4-D means one frame each; or per row ``(frames, 3, side,
                side)``; None for text alone.
            question_ids: ``(batch, questions, ids)`` of the query transformer's tokenizer.
            question_mask: Same shape, non-zero on real ids; a question of zeros alone does not exist.
            frame_counts: Real frames of each row; None means all.
            frame_features: Instead of pixels, per row what ``encode_frames`` returned or a file holds: ``(frames,
                tokens, vision dim)``.
            attention_mask: ``(batch, ids)``; None means that all ids are real.
            labels: ``(batch, ids)``.
            want_positions: Return positions even if nothing is padded.
            padding_side: Side on which short rows are filled.

        Returns:
            As :func:`baselines.common.splice.splice`.

        Raises:
            InputError: Placeholders, frames and questions that do not fit together; see :mod:`.visual_rows`.
        """
        batch = len(input_ids)
        counts = placeholders_per_row(input_ids, attention_mask, self.placeholder_ids)
        frames = frames_per_row(pixel_values, frame_features, frame_counts, batch)
        questions, masks = questions_per_row(question_ids, question_mask, batch)
        stored = [0 if frame_features is None else self.model.token_count(row) for row in frames]
        layouts = choose_layouts(
            [Row(*values) for values in zip(counts, map(len, frames), map(len, questions), stored, strict=True)]
        )
        wanted = [row for row in range(batch) if layouts[row] is not None]
        if frame_features is None and wanted:
            features = self.model.encode_frames(torch.cat([frames[row] for row in wanted]))
            sizes = [len(frames[row]) for row in wanted]
            seen = list(features.split(sizes))
        else:
            seen = [frames[row] for row in wanted]
        tokens = self.model.visual_tokens(seen, [questions[row] for row in wanted], [masks[row] for row in wanted])
        blocks: list[list[Tensor]] = [[] for _ in range(batch)]
        for row, made in zip(wanted, tokens, strict=True):
            layout = layouts[row]
            if layout is not None:
                blocks[row] = row_blocks(made, layout, counts[row])
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
        return touching(spliced, self._unseen_tokens() if self.training and not wanted else None)

    def _unseen_tokens(self) -> Tensor:
        side = self.config.vision_config.image_size
        weight = self.lm_head.weight
        blank = weight.new_zeros(1, 3, side, side)
        ids = torch.zeros(1, 1, dtype=torch.long, device=weight.device)
        return self.model.visual_tokens([self.model.encode_frames(blank)], [ids], [torch.ones_like(ids)])[0]

    @takes_cache
    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | Sequence[Tensor] | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        question_ids: Tensor | None = None,
        question_mask: Tensor | None = None,
        frame_counts: Tensor | None = None,
        frame_features: Sequence[Tensor] | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> LlavaCausalLMOutputWithPast:
        """One pass; arguments as :meth:`splice_inputs` and as any causal language model of transformers.

        Returns:
            ``loss`` (mean over all supervised tokens), ``logits`` ``(batch, length, vocabulary)`` along the spliced
            rows, and the cache.

        Raises:
            InputError: Neither or both of ids and embeddings are given, or as :meth:`splice_inputs`.
        """
        splice_inputs = partial(
            self.splice_inputs,
            pixel_values=pixel_values,
            question_ids=question_ids,
            question_mask=question_mask,
            frame_counts=frame_counts,
            frame_features=frame_features,
            attention_mask=attention_mask,
            labels=labels,
            want_positions=position_ids is not None,
        )
        return self.spliced_pass(
            splice_inputs,
            visual=pixel_values is not None or frame_features is not None,
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
        pixel_values: Tensor | Sequence[Tensor] | None = None,
        attention_mask: Tensor | None = None,
        question_ids: Tensor | None = None,
        question_mask: Tensor | None = None,
        frame_counts: Tensor | None = None,
        frame_features: Sequence[Tensor] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Generate for one or several pictures, videos or texts at once; arguments as :meth:`splice_inputs`.

        Args:
            inputs: Same as ``input_ids``.
            input_ids: ``(batch, ids)``, padded on either side.
            pixel_values: As :meth:`splice_inputs`.
            attention_mask: ``(batch, ids)``.
            question_ids: As :meth:`splice_inputs`.
            question_mask: As :meth:`splice_inputs`.
            frame_counts: As :meth:`splice_inputs`.
            frame_features: As :meth:`splice_inputs`.
            kwargs: As ``GenerationMixin.generate``; with ``inputs_embeds`` everything goes there unchanged.

        Returns:
            The prompt's ids followed by the new ones (only the new ones where ``inputs_embeds`` were given).

        Raises:
            InputError: As :meth:`splice_inputs`, or no prompt.
        """
        if "inputs_embeds" in kwargs:
            return super().generate(attention_mask=attention_mask, **name_cache(kwargs))
        input_ids = prompt_ids(inputs, input_ids)
        spliced = self.splice_inputs(
            input_ids,
            pixel_values,
            question_ids=question_ids,
            question_mask=question_mask,
            frame_counts=frame_counts,
            frame_features=frame_features,
            attention_mask=attention_mask,
            padding_side="left",  # new tokens follow each row's last real one
        )
        return self.generate_after(input_ids, spliced, **kwargs)
