"""Checks without a tensor: text, stages, counts, names and shapes of the large model."""

from __future__ import annotations

from typing import Any

from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER
from baselines.common.prompts import TextBatch, TextSample, collate_text, encode_with_placeholders
from baselines.llavolta.accounting import compression_ratio, mean_token_layers, token_layers
from baselines.llavolta.convert import expected_shapes
from baselines.llavolta.layouts import canonical_name, stored_name
from baselines.llavolta.schedule import CounterSchedule
from baselines.llavolta.setting import Compression
from baselines.llavolta.settings_files import config_from_official
from baselines.llavolta.text import (
    conversation_text,
    encode_caption,
    encode_conversation,
    prompt_format,
    read_messages,
)
from baselines.llavolta.tokenizer import load_sentencepiece, tokenizer_encode
from baselines.parity.golden import Tolerance
from baselines.parity.llavolta.context import Context
from vdc.errors import InputError

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
_NO_LIMIT = 2048
"""Longest sample where a case names none: what all published scripts train with."""

_FLOAT = Tolerance(1e-9, 1e-12)
"""Ratios of whole numbers in double precision."""


def check_text(context: Context, file: str) -> None:
    """Prompts, ids, labels and collation."""
    golden, checker = context.golden.json(file), context.checker
    checker.fields(file, "", golden, _TEXT_FIELDS)
    model_file = next(name for name in context.golden.files if name.endswith(".model"))
    encoders = {}
    for legacy in (True, False):
        tokenizer = load_sentencepiece(context.golden.path(model_file), legacy=legacy)
        checker.same(model_file, f"legacy={legacy}: unk, bos, eos", _special(tokenizer), [0, 1, 2])
        encoders[legacy] = tokenizer_encode(tokenizer)
    pad = golden.get("pad_token_id", 0)
    checker.same(file, "image_token_index", IMAGE_PLACEHOLDER, golden.get("image_token_index", IMAGE_PLACEHOLDER))
    checker.same(file, "ignore_index", IGNORED_LABEL, golden.get("ignore_index", IGNORED_LABEL))
    made: dict[tuple[str, bool], TextSample] = {}
    for case in golden.get("samples", []):
        label = f"{case['name']} legacy={case['legacy']}"
        with checker.guarded(file, label):
            made[case["name"], case["legacy"]] = _check_sample(
                context, file, label, case, encoders[case["legacy"]], pad
            )
    for number, case in enumerate(golden.get("eval_prompts", [])):
        prompt = prompt_format().prompt(case["question"], 1, system=True)
        checker.fields(file, "eval_prompts", case, frozenset(("question", "prompt", "legacy", "input_ids")))
        checker.same(file, f"eval_prompts[{number}] prompt", prompt, case["prompt"])
        ids = encode_with_placeholders(prompt, encoders[case["legacy"]])
        checker.same(file, f"eval_prompts[{number}] input_ids", ids, case["input_ids"])
    for case in golden.get("image_token_edge_cases", []):
        for legacy in [case["legacy"]] if "legacy" in case else [True, False]:
            ids = encode_with_placeholders(case["prompt"], encoders[legacy])
            checker.same(file, f"image tokens in {case['prompt']!r} legacy={legacy}", ids, case["input_ids"])
    if "collator" in golden:
        with checker.guarded(file, "collator"):
            _check_collator(context, file, golden["collator"], made, pad)


def _special(tokenizer: Any) -> list[int]:
    return [tokenizer.unk_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id]


def _check_sample(context: Context, file: str, label: str, case: dict[str, Any], encode: Any, pad: int) -> TextSample:
    checker = context.checker
    known = "name version legacy has_image conversations after_image_token_move input_ids labels warning prompt"
    checker.fields(file, label, case, frozenset((*known.split(), "model_max_length")))
    messages = read_messages(case, has_image=case["has_image"])
    mismatch = ""
    if case["version"] == "plain":
        sample = encode_caption(messages[1].text, encode)
    else:
        encoded = encode_conversation(
            messages,
            encode,
            has_image=case["has_image"],
            legacy=case["legacy"],
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


def check_stages(context: Context, file: str) -> None:
    """Which setting holds in every forward pass of the published, counting schedule."""
    golden, checker = context.golden.json(file), context.checker
    checker.fields(file, "", golden, frozenset(("meaning", "schemes", "conventions", "note")))
    for name, scheme in golden.get("schemes", {}).items():
        checker.fields(
            file,
            name,
            scheme,
            frozenset(("strides", "pivots", "layers", "total_forwards", "segments", "error", "note")),
        )
        with checker.guarded(file, name):
            segments, failed = _run_scheme(scheme)
            checker.same(file, f"{name} segments", segments, scheme["segments"])
            if "error" in scheme:
                theirs = None if scheme["error"] is None else scheme["error"].get("after_forward")
                checker.same(file, f"{name} pass after which no stage is left", failed, theirs)


def _run_scheme(scheme: dict[str, Any]) -> tuple[list[dict[str, int]], int | None]:
    schedule = CounterSchedule(strides=scheme["strides"], layers=scheme["layers"], pivots=scheme["pivots"])
    segments: list[dict[str, int]] = []
    for number in range(scheme["total_forwards"]):
        setting = {"layer": schedule.compression.layer, "stride": schedule.compression.stride}
        if segments and {key: segments[-1][key] for key in setting} == setting:
            segments[-1]["last_forward"] = number
        else:
            segments.append({"first_forward": number, "last_forward": number, **setting})
        try:
            schedule.after_forward()
        except InputError:
            return segments, number
    return segments, None


def check_ratios(context: Context, file: str) -> None:
    """Token counts and compression ratios."""
    golden, checker = context.golden.json(file), context.checker
    checker.fields(file, "", golden, frozenset(("meaning", "rows", "formula", "note")))
    for number, row in enumerate(golden.get("rows", [])):
        label = f"rows[{number}]"
        known = frozenset(("num_layers", "visual_len", "stages", "mean_tokens", "cr_of_mean_tokens"))
        checker.fields(file, label, row, known)
        shape = {"layers": row["num_layers"], "visual_tokens": row["visual_len"]}
        stages = [Compression(stage["layer"], stage["stride"]) for stage in row["stages"]]
        for stage, entry in zip(stages, row["stages"], strict=True):
            name = f"{label} layer {stage.layer} stride {stage.stride}"
            checker.fields(file, name, entry, frozenset(("layer", "stride", "tokens_over_layers", "compression_ratio")))
            checker.same(file, f"{name} tokens", token_layers(stage, **shape), entry["tokens_over_layers"])
            checker.number(file, f"{name} ratio", compression_ratio(stage, **shape), entry["compression_ratio"], _FLOAT)
        mean = mean_token_layers(stages, **shape)
        checker.number(file, f"{label} mean_tokens", mean, row["mean_tokens"], _FLOAT)
        ratio = row["num_layers"] * row["visual_len"] / mean
        checker.number(file, f"{label} cr_of_mean_tokens", ratio, row["cr_of_mean_tokens"], _FLOAT)


def check_keys(context: Context, file: str) -> None:
    """Names and shapes of the large model's parameters, from a configuration read off the shapes."""
    golden, checker = context.golden.json(file), context.checker
    known = frozenset(("meaning", "num_keys", "total_parameters", "llm_parameters", "keys", "note"))
    checker.fields(file, "", golden, known)
    theirs = {name: tuple(shape) for name, shape in golden["keys"].items()}
    ours = {
        stored_name(name, "official"): shape
        for name, shape in expected_shapes(config_from_official(_table_of(theirs))).items()
    }
    checker.same(file, "names", sorted(ours.keys() ^ theirs.keys()), [])
    different = {name: (ours[name], shape) for name, shape in theirs.items() if ours.get(name, shape) != shape}
    checker.same(file, f"shapes that differ ({len(theirs)})", different, {})
    sizes = {name: _size(shape) for name, shape in ours.items()}
    counts = {
        "num_keys": len(ours),
        "total_parameters": sum(sizes.values()),
        "llm_parameters": sum(size for name, size in sizes.items() if _part(name) == "llm"),
    }
    for name, count in counts.items():
        if name in golden:
            checker.same(file, name, count, golden[name])


def _part(key: str) -> str:
    return str(canonical_name(key, "official")).partition(".")[0]


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size


def _table_of(shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    tower = "model.vision_tower.vision_tower.vision_model."
    vocabulary, width = shapes["model.embed_tokens.weight"]
    patch = shapes[f"{tower}embeddings.patch_embedding.weight"]
    places = shapes[f"{tower}embeddings.position_embedding.weight"][0]
    projector = [name for name in shapes if name.startswith("model.mm_projector.") and name.endswith("weight")]
    single = projector == ["model.mm_projector.weight"]
    text_heads, vision_heads = max(1, width // 128), max(1, patch[0] // 64)  # heads change no shape
    return {
        "hidden_size": width,
        "vocab_size": vocabulary,
        "intermediate_size": shapes["model.layers.0.mlp.gate_proj.weight"][0],
        "num_hidden_layers": sum(name.endswith("mlp.gate_proj.weight") for name in shapes),
        "num_attention_heads": text_heads,
        "num_key_value_heads": text_heads * shapes["model.layers.0.self_attn.k_proj.weight"][0] // width,
        "mm_projector_type": "linear" if single else f"mlp{len(projector)}x_gelu",
        "vision_config": {
            "hidden_size": patch[0],
            "intermediate_size": shapes[f"{tower}encoder.layers.0.mlp.fc1.weight"][0],
            "num_hidden_layers": sum(name.endswith("mlp.fc1.weight") for name in shapes),
            "num_attention_heads": vision_heads,
            "patch_size": patch[-1],
            "image_size": patch[-1] * round((places - 1) ** 0.5),
        },
    }
