"""The whole model: passes at every setting, padded batches, gradients, and generation with and without a cache."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

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


def _check_pass(context: Context, file: str, inputs: dict[str, Tensor], case: dict[str, Any]) -> None:
    checker, label, model = context.checker, case["name"], context.model
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
            checker.tensor(file, name, output.logits[:, -golden.shape[1] :])
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


def check_gradients(context: Context, file: str) -> None:
    """Loss and gradients; they flow through the pooling."""
    inputs = context.inputs(_source_of_inputs(context, file))
    for case in context.cases(file):
        context.checker.fields(file, case["name"], case, _FORWARD_FIELDS)
        with context.checker.guarded(file, case["name"]):
            context.model.zero_grad()
            loss = context.model(**inputs, compression=compression_of(case)).loss
            loss.backward()
            for rest, name in context.of_case(file, case).items():
                golden = context.golden.tensors(file)[name]
                if rest == "loss":
                    context.checker.tensor(file, name, loss.reshape(golden.shape))
                    continue
                kind, _, key = rest.partition(".")
                gradient = _gradient(context, key)
                if kind == "grad" and gradient is not None:
                    context.checker.tensor(file, name, gradient)
                elif kind == "grad_norm" and gradient is not None:
                    context.checker.tensor(file, name, gradient.norm().reshape(golden.shape))
    context.model.zero_grad()


def _source_of_inputs(context: Context, file: str) -> str:
    """File that holds the inputs: this one, or one that its manifest says it uses."""
    words = re.findall(r"\w+", str(context.golden.files[file].get("uses", "")))
    candidates = [file, *(f"{word}.safetensors" for word in words)]
    for name in candidates:
        if name in context.golden.files and "labels" in context.golden.tensors(name):
            return name
    return file


def _gradient(context: Context, key: str) -> Tensor | None:
    name = canonical_name(key, "official")
    if name is None or name.startswith("?"):
        return None
    gradient: Tensor | None = context.model.get_parameter(stored_name(name, "native")).grad
    return gradient


@torch.no_grad()
def check_generation(context: Context, file: str) -> None:
    """Greedy tokens with a cache and without, scores of every step, and lengths of every layer's cache."""
    inputs = context.inputs(file)
    for case in context.cases(file):
        with context.checker.guarded(file, str(case.get("name"))):
            _check_greedy(context, file, inputs, case)


def _check_greedy(context: Context, file: str, inputs: dict[str, Tensor], case: dict[str, Any]) -> None:
    checker, label, model = context.checker, case["name"], context.model
    checker.fields(file, label, case, _GENERATE_FIELDS)
    names = context.of_case(file, case)
    setting = compression_of(case)
    count = int(case["max_new_tokens"])
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
    uncached = greedy_without_cache(context, inputs, setting, tokens.shape[1])
    ours = {"tokens": tokens, "scores": scores, "tokens_nocache": uncached}
    defect = context.is_defect(case)
    for rest, name in names.items():
        if defect and rest in ("tokens", "scores"):
            checker.not_covered(file, name, f"{DEFECT_REASON}; tokens_nocache is the target")
        elif rest in ours:
            checker.tensor(file, name, ours[rest])
    if defect and "tokens_nocache" in names:
        target = context.golden.tensors(file)[names["tokens_nocache"]]
        checker.close(file, f"{names['tokens_nocache']} (with the cache)", tokens, target, Tolerance())
    prefill = model(**inputs, compression=setting, use_cache=True)
    layers = model.config.text_config.num_hidden_layers
    lengths = [prefill.past_key_values.get_seq_length(layer) for layer in range(layers)]
    if (key := "kv_cache_length_per_layer_after_prefill") in case:
        checker.same(file, f"{label} {key}", lengths, case[key])
    if (key := "prefill_and_step_lengths_at_layer0") in case:
        if defect:
            checker.not_covered(file, f"{label} {key}", DEFECT_REASON)
        else:
            grown = made.past_key_values.get_seq_length(0) - lengths[0]
            checker.same(file, f"{label} {key}", [lengths[0]] + [1] * grown, case[key])
    if "cache_equals_nocache" in case and not defect:
        checker.same(file, f"{label} cache_equals_nocache", torch.equal(tokens, uncached), case["cache_equals_nocache"])
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


def greedy_without_cache(context: Context, inputs: dict[str, Tensor], setting: Any, count: int) -> Tensor:
    """Greedy tokens by a whole pass for each of them.

    Args:
        context: The run.
        inputs: Ids ``(1, ids)``, pixels, and a mask where there is one. Rows of unequal length are not for this.
        setting: Compression.
        count: Tokens to make.

    Returns:
        ``(1, count)``.
    """
    model = context.model
    spliced = model.splice_inputs(
        inputs["input_ids"],
        inputs["pixel_values"],
        attention_mask=inputs.get("attention_mask"),
        compression=setting,
    )
    embeds, spans, made = spliced.inputs_embeds, spans_to_tensor(spliced.spans, spliced.inputs_embeds.device), []
    for _ in range(count):
        logits = model(inputs_embeds=embeds, visual_spans=spans, compression=setting).logits
        made.append(logits[:, -1].argmax(dim=-1, keepdim=True))
        embeds = torch.cat([embeds, model.get_input_embeddings()(made[-1])], dim=1)
    return torch.cat(made, dim=1)
