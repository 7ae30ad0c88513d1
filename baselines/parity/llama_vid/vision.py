"""The tower and the query transformer, each alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from baselines.llama_vid.config import EvaVisionConfig
from baselines.llama_vid.tokenizer import QUESTION_LENGTH, encode_questions
from baselines.llama_vid.vision import EvaVisionTower, resize_positions
from baselines.parity.llama_vid.context import ENTRY_FIELDS, Context

_EVA_FIELDS = frozenset(["patch", "dim", "heads", "depth", "img", "img_resized", "mlp_ratio", "mlp_hidden", "ln_eps"])


@contextmanager
def captured(modules: dict[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """What modules return while the block runs, by the names given."""
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, _arguments: Any, made: Any) -> None:
            seen[name] = made[0] if isinstance(made, tuple) else made

        return hook

    hooks = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def check_tower(context: Context, file: str) -> None:
    """The tower on its own weights, at its size and at others."""
    entry, checker = context.golden.files[file], context.checker
    checker.fields(file, "", entry, ENTRY_FIELDS | {"config"})
    shape = entry["config"]
    checker.fields(file, "config", shape, _EVA_FIELDS)
    config = EvaVisionConfig(
        hidden_size=shape["dim"],
        intermediate_size=shape.get("mlp_hidden", int(shape["dim"] * shape.get("mlp_ratio", 4.3637))),
        num_hidden_layers=shape["depth"],
        num_attention_heads=shape["heads"],
        image_size=shape["img"],
        patch_size=shape["patch"],
        layer_norm_eps=shape.get("ln_eps", 1e-6),
    )
    if {"mlp_ratio", "mlp_hidden"} <= shape.keys():
        checker.same(file, "config mlp_hidden", int(shape["dim"] * shape["mlp_ratio"]), shape["mlp_hidden"])
    tensors = context.golden.tensors(file)
    weights = {name.removeprefix("weights."): tensor for name, tensor in tensors.items() if name.startswith("weights.")}
    checker.used(file, *(f"weights.{name}" for name in weights))
    tower = EvaVisionTower(config)
    tower.load_state_dict(weights)
    for name in [name for name in tensors if name.startswith("input.pixels")]:
        suffix = name.removeprefix("input.pixels")
        with checker.guarded(file, name):
            pixels = context.input(file, name)
            with captured({f"output.after_block{n}{suffix}": block for n, block in enumerate(tower.blocks)}) as seen:
                seen[f"output.tokens{suffix}"] = tower(pixels)
            side = pixels.shape[-1] // config.patch_size
            seen[f"output.pos_embed{suffix}"] = resize_positions(tower.pos_embed, side)
            for label in sorted(seen.keys() & tensors.keys()):
                checker.tensor(file, label, seen[label])


@torch.no_grad()
def check_query_transformer(context: Context, file: str) -> None:
    """The query transformer on features as given, with and without text and mask; and its tokenizer."""
    entry, checker, tensors = context.golden.files[file], context.checker, context.golden.tensors(file)
    checker.fields(file, "", entry, ENTRY_FIELDS | {"prompts", "long_prompt"})
    model = context.model().model
    ids, mask = context.input(file, "input.input_ids"), context.input(file, "input.text_mask")
    states = context.input(file, "input.encoder_states")
    if "prompts" in entry:
        made_ids, made_mask = encode_questions(context.questions, entry["prompts"])
        checker.same(file, "ids of prompts", made_ids, ids.tolist())
        checker.same(file, "mask of prompts", made_mask, mask.tolist())
    queries = model.query_tokens.expand(len(states), -1, -1)
    both = torch.cat([mask.new_ones(queries.shape[:2]), mask], dim=1)
    layers = {f"output.hidden_after_layer{n}": layer for n, layer in enumerate(model.qformer.encoder.layer)}
    plain = {"query_embeds": queries, "encoder_hidden_states": states}
    with captured({**layers, "output.embeddings": model.qformer.embeddings}) as seen:
        seen["output.last_hidden"] = model.qformer(ids, attention_mask=both, **plain).last_hidden_state
    if "input.encoder_mask_partial" in tensors:
        partial = context.input(file, "input.encoder_mask_partial")
        masked = model.qformer(ids, attention_mask=both, encoder_attention_mask=partial, **plain)
        seen["output.last_hidden_encmask"] = masked.last_hidden_state
    seen["output.last_hidden_noText"] = model.qformer(None, **plain).last_hidden_state
    if "output.truncated_ids" in tensors and (text := _long_text(str(entry.get("long_prompt", "")))):
        seen["output.truncated_ids"] = torch.tensor(encode_questions(context.questions, [text])[0])
    for label in sorted(seen.keys() & tensors.keys()):
        checker.tensor(file, label, seen[label])


def _long_text(description: str) -> str:
    """The text that ``'the ' repeated 400 times + 'the end'`` describes; any other description is the text."""
    pieces = re.findall(r"'((?:[^'\\]|\\.)*)'(?:\s+repeated\s+(\d+)\s+times)?", description)
    if "repeated" not in description or not pieces:
        return description
    return "".join(text * int(count or 1) for text, count in pieces)


def check_question_tokenizer(context: Context, manifest: dict[str, Any]) -> None:
    """What the manifest says about how questions are tokenised."""
    name, checker = context.golden.manifest_name, context.checker
    call = manifest["bert_tokenizer_call"]
    checker.fields(name, "bert_tokenizer_call", call, frozenset(["from_pretrained", "dec_id", "len", "call"]))
    ours = context.questions
    if "dec_id" in call:
        checker.same(name, "bert_tokenizer_call dec_id", ours.bos_token_id, call["dec_id"])
    if "len" in call:
        checker.same(name, "bert_tokenizer_call len", len(ours), call["len"])
    if "from_pretrained" in call:
        wanted = {key: value for key, value in call["from_pretrained"].items() if key != "name"}
        have = {key: getattr(ours, key, None) for key in wanted}
        checker.same(name, "bert_tokenizer_call from_pretrained", have, wanted)
    if "call" in call:
        options = {"padding": "longest", "truncation": True, "max_length": QUESTION_LENGTH}
        checker.same(name, "bert_tokenizer_call call", options, call["call"])
