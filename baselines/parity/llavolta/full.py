"""The whole model: passes at every setting, padded batches, gradients, and generation with and without a cache."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

from baselines.common.cache_name import cache_of
from baselines.llavolta.generation import spans_to_tensor
from baselines.llavolta.layouts import canonical_name, stored_name
from baselines.parity.golden import Tolerance
from baselines.parity.llavolta.context import DEFECT_REASON, Context, compression_of

_FORWARD_FIELDS = frozenset(
    [
        "name",
        "grouping",
        "layer",
        "stride",
        "images_idx",
        "logits_len",
        "logits_saved",
        "logits_tail",
        "position_ids",
        "compressed_valid_lengths",
        "note",
    ]
)
_GENERATE_FIELDS = frozenset(
    [
        "name",
        "grouping",
        "layer",
        "stride",
        "max_new_tokens",
        "min_top2_margin",
        "prefill_and_step_lengths_at_layer0",
        "kv_cache_length_per_layer_after_prefill",
        "cache_equals_nocache",
        "note",
    ]
)


@torch.no_grad()
def check_forward(context: Context, file: str) -> None:
    """Logits, loss and positions of every case, single rows and padded batches alike."""
    inputs = context.inputs(file)
    for case in context.cases(file):
        with context.checker.guarded(file, str(case.get("name"))):
            _check_pass(context, file, inputs, case)


def _check_pass(context: Context, file: str, inputs: dict[str, Any], case: dict[str, Any]) -> None:
    checker, label, model = context.checker, case["name"], context.model(file)
    checker.fields(file, label, case, _FORWARD_FIELDS)
    names = context.of_case(file, case)
    if context.is_defect(case):
        for name in names.values():
            checker.not_covered(file, name, DEFECT_REASON)
        return
    setting = compression_of(case)
    output = model(**inputs, compression=setting)
    spliced = model.splice_inputs(
        inputs["input_ids"], inputs["pixel_values"], attention_mask=inputs.get("attention_mask"), compression=setting
    )
    mask = output.attention_mask if output.attention_mask is not None else spliced.attention_mask
    lengths = [output.logits.shape[1]] * len(output.logits) if mask is None else mask.sum(dim=1).tolist()
    for rest, name in names.items():
        golden = context.golden.tensors(file)[name]
        if rest == "logits":
            checker.tensor(file, name, _saved(output.logits, golden, str(case.get("logits_saved", ""))))
        elif rest == "logits_tail":
            tails = [row[length - golden.shape[1] : length] for row, length in zip(output.logits, lengths, strict=True)]
            checker.tensor(file, name, torch.stack(tails))
        elif rest == "loss":
            checker.tensor(file, name, output.loss.reshape(golden.shape))
        elif rest == "position_ids":
            checker.tensor(file, name, output.position_ids)
    context.starts(file, label, case, spliced)
    if "logits_len" in case:
        checker.same(file, f"{label} logits_len", output.logits.shape[1], case["logits_len"])
    if "compressed_valid_lengths" in case:
        checker.same(file, f"{label} compressed_valid_lengths", lengths, case["compressed_valid_lengths"])


def _saved(logits: Tensor, golden: Tensor, said: str) -> Tensor:
    """The part of our logits that was saved, by the words for it; the last positions where they say nothing."""
    count = re.search(r"\d+", said)
    kept = int(count[0]) if count else logits.shape[1] if "all" in said else golden.shape[1]
    return logits[:, :kept] if "first" in said else logits[:, max(logits.shape[1] - kept, 0) :]


def check_gradients(context: Context, file: str) -> None:
    """Loss and gradients; they flow through the pooling."""
    inputs, model = context.inputs(file), context.model(file)
    for case in context.cases(file):
        with context.checker.guarded(file, str(case.get("name"))):
            context.checker.fields(file, case["name"], case, _FORWARD_FIELDS)
            model.zero_grad()
            loss = model(**inputs, compression=compression_of(case)).loss
            loss.backward()
            for rest, name in context.of_case(file, case).items():
                golden = context.golden.tensors(file)[name]
                if rest == "loss":
                    context.checker.tensor(file, name, loss.reshape(golden.shape))
                    continue
                kind, _, key = rest.partition(".")
                gradient = _gradient(model, key)
                if kind == "grad" and gradient is not None:
                    context.checker.tensor(file, name, gradient)
                elif kind == "grad_norm" and gradient is not None:
                    context.checker.tensor(file, name, gradient.norm().reshape(golden.shape))
    model.zero_grad()


def _gradient(model: Any, key: str) -> Tensor | None:
    name = canonical_name(key, "official")
    if name is None or name.startswith("?"):
        return None
    gradient: Tensor | None = model.get_parameter(stored_name(name, "native")).grad
    return gradient


@torch.no_grad()
def check_generation(context: Context, file: str) -> None:
    """Greedy tokens with a cache and without, scores of every step, and lengths of every layer's cache."""
    inputs = context.inputs(file)
    for case in context.cases(file):
        with context.checker.guarded(file, str(case.get("name"))):
            _check_greedy(context, file, inputs, case)


def _check_greedy(context: Context, file: str, inputs: dict[str, Any], case: dict[str, Any]) -> None:
    checker, label, model = context.checker, case["name"], context.model(file)
    checker.fields(file, label, case, _GENERATE_FIELDS)
    names = context.of_case(file, case)
    setting = compression_of(case)
    longest = max((context.golden.tensors(file)[name].shape[1] for name in names.values()), default=0)
    count = int(case.get("max_new_tokens", longest))
    made = model.generate(
        **inputs,
        compression=setting,
        max_new_tokens=count,
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
    )
    tokens = made.sequences[:, inputs["input_ids"].shape[1] :]
    scores = torch.stack(made.logits, dim=1)
    uncached = greedy_without_cache(context, inputs, setting, longest, file)
    ours = {"tokens": tokens, "scores": scores, "tokens_nocache": uncached}
    defect = context.is_defect(case)
    for rest, name in names.items():
        if defect and rest in ("tokens", "scores"):
            checker.not_covered(file, name, f"{DEFECT_REASON}; tokens_nocache is the target")
            first = context.golden.tensors(file)[name][:, :1]  # made by the prompt's pass, which is right
            granted = context.golden.tolerance(file, name) if first.is_floating_point() else Tolerance()
            checker.close(file, f"{name} (first step)", ours[rest][:, :1], first, granted)
        elif rest in ours:
            checker.tensor(file, name, ours[rest])
    if defect and "tokens_nocache" in names:
        target = context.golden.tensors(file)[names["tokens_nocache"]]
        checker.close(file, f"{names['tokens_nocache']} (with the cache)", tokens, target, Tolerance())
    prefill = model(**inputs, compression=setting, use_cache=True)
    layers = model.config.text_config.num_hidden_layers
    lengths = [cache_of(prefill).get_seq_length(layer) for layer in range(layers)]
    if (key := "kv_cache_length_per_layer_after_prefill") in case:
        checker.same(file, f"{label} {key}", lengths, case[key])
    if (key := "prefill_and_step_lengths_at_layer0") in case:
        if defect:
            checker.not_covered(file, f"{label} {key}", DEFECT_REASON)
        else:
            grown = cache_of(made).get_seq_length(0) - lengths[0]
            checker.same(file, f"{label} {key}", [lengths[0]] + [1] * grown, case[key])
    if "cache_equals_nocache" in case and not defect:
        checker.same(
            file,
            f"{label} cache_equals_nocache",
            torch.equal(tokens, uncached[:, : tokens.shape[1]]),
            case["cache_equals_nocache"],
        )
    if "min_top2_margin" in case:
        if defect:
            checker.not_covered(file, f"{label} min_top2_margin", DEFECT_REASON)
        else:
            best = scores.topk(2, dim=-1).values
            # A difference of two scores may be off by twice what each may be.
            granted = context.golden.tolerance(file, "scores")
            allowed = Tolerance(2 * granted.atol, 2 * granted.rtol)
            ours_margin = float((best[..., 0] - best[..., 1]).min())
            checker.number(file, f"{label} min_top2_margin", ours_margin, case["min_top2_margin"], allowed)


def greedy_without_cache(context: Context, inputs: dict[str, Any], setting: Any, count: int, file: str) -> Tensor:
    """Greedy tokens by a whole pass for each of them.

    Args:
        context: The run.
        inputs: Ids ``(batch, ids)``, pixels, and a mask where there is one.
        setting: Compression.
        count: Tokens to make.
        file: File of the case.

    Returns:
        ``(batch, count)``.
    """
    model = context.model(file)
    spliced = model.splice_inputs(
        inputs["input_ids"],
        inputs["pixel_values"],
        attention_mask=inputs.get("attention_mask"),
        compression=setting,
        padding_side="left",
    )
    embeds, mask, made = spliced.inputs_embeds, spliced.attention_mask, []
    spans = spans_to_tensor(spliced.spans, embeds.device)
    for _ in range(count):
        logits = model(inputs_embeds=embeds, attention_mask=mask, visual_spans=spans, compression=setting).logits
        made.append(logits[:, -1].argmax(dim=-1, keepdim=True))
        embeds = torch.cat([embeds, model.get_input_embeddings()(made[-1])], dim=1)
        mask = None if mask is None else torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
    return torch.cat(made, dim=1) if made else torch.zeros(len(embeds), 0, dtype=torch.long)
