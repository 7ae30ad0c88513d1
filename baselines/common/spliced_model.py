"""What every model here does around its splice: from ids to a decoder's inputs, and from a decoder to an answer.

A model brings ``model`` (tower, projector and decoder), ``lm_head``, its own ``splice_inputs`` and the signatures of
``forward`` and ``generate``, because transformers reads argument names off those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import GenerationMixin
from transformers.models.llava.modeling_llava import LlavaCausalLMOutputWithPast

from baselines.common.cache_name import CACHE_NAME, cache_of, name_cache
from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.common.splice import Spliced, placeholder_mask
from vdc.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class DecoderInputs:
    """What one pass of a decoder reads.

    Args:
        inputs_embeds: ``(batch, length, dim)``.
        attention_mask: ``(batch, length)``; None: nothing is hidden.
        position_ids: ``(batch, length)``; None: the decoder counts.
        labels: ``(batch, length)``; None: no loss.
        first: The cache is empty: this pass reads the prompt.
        spliced: Where visual tokens went in; None where this pass brought none.
    """

    inputs_embeds: Tensor
    attention_mask: Tensor | None
    position_ids: Tensor | None
    labels: Tensor | None
    first: bool
    spliced: Spliced | None = None


class SplicedLanguageModel:
    """Mixed into the models, in front of their base class of transformers."""

    config: Any
    model: Any
    lm_head: nn.Linear
    loss_function: Any
    get_input_embeddings: Any

    _tied_weights_keys = {"lm_head.weight": "model.language_model.embed_tokens.weight"}  # noqa: RUF012

    @property
    def placeholder_ids(self) -> tuple[int, ...]:
        """Ids that stand for visual tokens: the one of the data formats and the tokenizer's."""
        return tuple({IMAGE_PLACEHOLDER, int(self.config.image_token_index)})

    def decoder_inputs(
        self,
        splice_inputs: Callable[[Tensor], Spliced],
        *,
        visual: bool,
        input_ids: Tensor | None,
        inputs_embeds: Tensor | None,
        attention_mask: Tensor | None,
        position_ids: Tensor | None,
        cache: Any,
        labels: Tensor | None,
    ) -> DecoderInputs:
        """Inputs of one pass; visual tokens go in with the first one, where the cache is empty.

        Args:
            splice_inputs: Puts the visual tokens of this call in place.
            visual: The call brings any.
            input_ids: As ``forward``, like the rest.
            inputs_embeds: Instead of ids.
            attention_mask: Replaced where tokens go in, like position ids and labels.
            position_ids: See above.
            cache: Keys and values of earlier passes.
            labels: See above.

        Raises:
            InputError: Not exactly one of ids and embeddings, or as the splice.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise InputError(
                Problem(
                    "both or neither of ids and embeddings", "exactly one of them", "give input_ids or inputs_embeds"
                )
            )
        first = cache is None or cache.get_seq_length() == 0
        if input_ids is not None:
            if first and (visual or bool(placeholder_mask(input_ids, self.placeholder_ids).any())):
                made = splice_inputs(input_ids)
                return DecoderInputs(
                    made.inputs_embeds, made.attention_mask, made.position_ids, made.labels, first, made
                )
            inputs_embeds = self.get_input_embeddings()(input_ids)
        return DecoderInputs(cast("Tensor", inputs_embeds), attention_mask, position_ids, labels, first)

    def spliced_pass(
        self, splice_inputs: Callable[[Tensor], Spliced], *, logits_to_keep: int | Tensor, kwargs: Any, **given: Any
    ) -> LlavaCausalLMOutputWithPast:
        """One whole pass of a model whose decoder takes spliced embeddings as they are.

        Args:
            splice_inputs: As :meth:`decoder_inputs`, like ``given``.
            logits_to_keep: As :meth:`head_outputs`.
            kwargs: Further options of the decoder and the loss.
            given: Arguments of ``forward``.
        """
        seen = self.decoder_inputs(splice_inputs, **given)
        outputs = self.model(
            inputs_embeds=seen.inputs_embeds,
            attention_mask=seen.attention_mask,
            position_ids=seen.position_ids,
            **{CACHE_NAME: given["cache"]},
            **kwargs,
        )
        return self.head_outputs(outputs, seen.labels, logits_to_keep, **kwargs)

    def head_outputs(
        self, outputs: Any, labels: Tensor | None, logits_to_keep: int | Tensor, **kwargs: Any
    ) -> LlavaCausalLMOutputWithPast:
        """Logits and loss from what the decoder made.

        Args:
            outputs: Of the decoder.
            labels: ``(batch, length)``, along the decoder's rows; None for no loss.
            logits_to_keep: The last so many positions, or which; 0 keeps all.
            kwargs: Options of the loss.
        """
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(outputs.last_hidden_state[:, kept])
        loss = None
        if labels is not None:
            vocabulary = self.config.text_config.vocab_size
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=vocabulary, **kwargs)
        return LlavaCausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            **{CACHE_NAME: cache_of(outputs)},
        )

    def generate_after(self, input_ids: Tensor, spliced: Spliced, **kwargs: Any) -> Any:
        """Generate from a spliced prompt that is padded on the left.

        Args:
            input_ids: The prompt, ``(batch, ids)``.
            spliced: What it became.
            kwargs: As ``GenerationMixin.generate``.

        Returns:
            As every model of transformers: the prompt's ids followed by the new ones.
        """
        embeds, mask = spliced.inputs_embeds, spliced.attention_mask
        if mask is None:
            mask = torch.ones(embeds.shape[:2], dtype=torch.bool, device=embeds.device)
        generate = GenerationMixin.generate
        options = name_cache(kwargs)
        made = generate(cast("Any", self), inputs_embeds=embeds, attention_mask=mask.long(), **options)
        sequences = made if isinstance(made, Tensor) else made.sequences
        copies = len(sequences) // len(input_ids)
        whole = torch.cat([input_ids.repeat_interleave(copies, dim=0), sequences], dim=1)
        if isinstance(made, Tensor):
            return whole
        cast("Any", made).sequences = whole
        return made


def prompt_ids(inputs: Tensor | None, input_ids: Tensor | None) -> Tensor:
    """The ids of a prompt, under either of the names that ``generate`` knows.

    Raises:
        InputError: There are none.
    """
    found = inputs if input_ids is None else input_ids
    if found is None:
        raise InputError(Problem("no prompt", "input_ids", "prepare the text with the processor"))
    return found


def touching(spliced: Spliced, dummy: Tensor | None) -> Spliced:
    """The same numbers, with a gradient path of zero weight to the parameters that ``dummy`` comes from.

    Every worker of a parallel training must touch the same parameters in every step, also one whose batch shows no
    picture.

    Args:
        spliced: The batch.
        dummy: Visual tokens that no row shows; None changes nothing.
    """
    if dummy is None:
        return spliced
    embeds = spliced.inputs_embeds
    return replace(spliced, inputs_embeds=embeds + (dummy.sum() * 0).to(embeds.dtype))
