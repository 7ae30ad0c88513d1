"""Prompts, ids, labels and collation, from the golden tokenizer alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER
from baselines.common.prompts import Encode, TextBatch, TextSample, collate_text, encode_with_placeholders
from baselines.llavolta.text import (
    conversation_text,
    encode_caption,
    encode_conversation,
    prompt_format,
    read_messages,
)
from baselines.llavolta.tokenizer import load_sentencepiece, tokenizer_encode
from baselines.parity.llavolta.context import Context
from vdc.errors import InputError, Problem, unknown_name

_TEXT_FIELDS = frozenset(
    [
        "meaning",
        "note",
        "tokenizer",
        "image_token_index",
        "ignore_index",
        "pad_token_id",
        "samples",
        "collator",
        "eval_prompts",
        "image_token_edge_cases",
    ]
)
_VERSIONS = ("plain", "v1", "vicuna_v1")
"""Templates of the published code that this project has: captions, and conversations under both of their names."""

_LLAMA_IDS = {"unk": 0, "bos": 1, "eos": 2}
"""Ids of every Llama tokenizer; where the golden description gives others, those."""

_NO_LIMIT = 2048
"""Longest sample where a case names none: what all published scripts train with."""


def check_text(context: Context, file: str) -> None:
    """Prompts, ids, labels and collation."""
    golden, checker = context.golden.json(file), context.checker
    checker.fields(file, "", golden, _TEXT_FIELDS)
    encoders = _encoders(context, str(golden.get("tokenizer", "")))
    pad = golden.get("pad_token_id", 0)
    checker.same(file, "image_token_index", IMAGE_PLACEHOLDER, golden.get("image_token_index", IMAGE_PLACEHOLDER))
    checker.same(file, "ignore_index", IGNORED_LABEL, golden.get("ignore_index", IGNORED_LABEL))
    made: dict[tuple[str, bool], TextSample] = {}
    for case in golden.get("samples", []):
        legacy = bool(case.get("legacy", True))
        label = f"{case.get('name')} legacy={legacy}"
        with checker.guarded(file, label):
            made[case["name"], legacy] = _check_sample(context, file, label, case, encoders[legacy], pad)
    for number, case in enumerate(golden.get("eval_prompts", [])):
        with checker.guarded(file, f"eval_prompts[{number}]"):
            _check_prompt(context, file, f"eval_prompts[{number}]", case, encoders)
    for number, case in enumerate(golden.get("image_token_edge_cases", [])):
        with checker.guarded(file, f"image_token_edge_cases[{number}]"):
            checker.fields(file, "image_token_edge_cases", case, frozenset(("prompt", "legacy", "input_ids")))
            for legacy in [case["legacy"]] if "legacy" in case else [True, False]:
                ids = encode_with_placeholders(case["prompt"], encoders[legacy])
                checker.same(file, f"image tokens in {case['prompt']!r} legacy={legacy}", ids, case["input_ids"])
    if "collator" in golden:
        with checker.guarded(file, "collator"):
            _check_collator(context, file, golden["collator"], made, pad)


def _encoders(context: Context, described: str) -> dict[bool, Encode]:
    """The golden tokenizer with both settings: the one the description names, or the only one there is."""
    files = [name for name in context.golden.files if name.endswith(".model")]
    named = [name for name in files if name in described] or files
    if not named:
        raise InputError(Problem("no tokenizer", "a SentencePiece file (.model)", "fetch the folder again"))
    encoders = {}
    for legacy in (True, False):
        tokenizer = load_sentencepiece(context.golden.path(named[0]), legacy=legacy)
        ours = {kind: getattr(tokenizer, f"{kind}_token_id") for kind in ("unk", "bos", "eos")}
        stored = {f"{kind}": int(number) for kind, number in re.findall(r"\b(unk|bos|eos) (\d+)", described)}
        label = f"legacy={legacy}: unk, bos, eos"
        context.checker.same(named[0], label, ours, _LLAMA_IDS | stored)
        encoders[legacy] = tokenizer_encode(tokenizer)
    return encoders


def _check_prompt(
    context: Context, file: str, label: str, case: dict[str, Any], encoders: Mapping[bool, Encode]
) -> None:
    style = prompt_format()
    pictures = case["prompt"].count(style.placeholder)
    prompt = style.prompt(case["question"], pictures, system=True)
    context.checker.fields(file, "eval_prompts", case, frozenset(("question", "prompt", "legacy", "input_ids")))
    context.checker.same(file, f"{label} prompt", prompt, case["prompt"])
    ids = encode_with_placeholders(prompt, encoders[bool(case.get("legacy", True))])
    context.checker.same(file, f"{label} input_ids", ids, case["input_ids"])


def _check_sample(context: Context, file: str, label: str, case: dict[str, Any], encode: Any, pad: int) -> TextSample:
    checker = context.checker
    known = "name version legacy has_image conversations after_image_token_move input_ids labels warning prompt"
    checker.fields(file, label, case, frozenset((*known.split(), "model_max_length")))
    messages = read_messages(case, has_image=case["has_image"])
    mismatch = ""
    if case["version"] not in _VERSIONS:
        raise InputError(unknown_name("version", case["version"], _VERSIONS))
    if case["version"] == "plain":
        sample = encode_caption(messages[1].text, encode)
    else:
        encoded = encode_conversation(
            messages,
            encode,
            has_image=case["has_image"],
            legacy=bool(case.get("legacy", True)),
            max_length=case.get("model_max_length", _NO_LIMIT),
            pad_id=pad,
        )
        sample, mismatch = encoded.sample, encoded.mismatch
        if "prompt" in case:
            checker.same(file, f"{label} prompt", conversation_text(messages), case["prompt"])
    if "after_image_token_move" in case:
        moved = [message.text for message in messages]
        checker.same(file, f"{label} after_image_token_move", moved, case["after_image_token_move"])
    checker.same(file, f"{label} input_ids", list(sample.input_ids), case["input_ids"])
    checker.same(file, f"{label} labels", list(sample.labels), case["labels"])
    if "warning" in case:
        checker.same(file, f"{label} warning", bool(mismatch), bool(case["warning"]))
    return sample


def _check_collator(
    context: Context, file: str, golden: dict[str, Any], made: dict[tuple[str, bool], TextSample], pad: int
) -> None:
    checker = context.checker
    known = frozenset(("model_max_length", "rows", "legacy", "input_ids", "labels", "attention_mask"))
    checker.fields(file, "collator", golden, known)
    limit = golden.get("model_max_length", _NO_LIMIT)
    batches: list[TextBatch] = []
    for legacy in [golden["legacy"]] if "legacy" in golden else [True, False]:
        if all((name, legacy) in made for name in golden["rows"]):
            samples = [made[name, legacy].truncated(limit) for name in golden["rows"]]
            batches.append(collate_text(samples, pad))
    # The golden batch does not say which tokenizer setting it was made with: it is one of the two.
    batch = next((batch for batch in batches if batch.input_ids == golden["input_ids"]), batches[0])
    for name in ("input_ids", "labels"):
        checker.same(file, f"collator {name}", getattr(batch, name), golden[name])
    mask = [[int(real) for real in row] for row in batch.attention_mask]
    checker.same(
        file, "collator attention_mask", mask, [[int(real) for real in row] for row in golden["attention_mask"]]
    )
