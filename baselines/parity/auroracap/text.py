"""Prompts, labels, frame indices and pixels: everything in front of the model."""

from __future__ import annotations

import re
from typing import Any

import torch

from baselines.auroracap.text import Turn, encode_turns, prompt_format, record_turns
from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER
from baselines.common.frame_sampling import strided, uniform, uniform_with_last
from baselines.common.images import ImageSpec, centre_crop_pixels, padded_pixels, square_pixels
from baselines.common.prompts import Encode, TextBatch, collate_text, encode_with_placeholders
from baselines.parity.auroracap.context import Context
from vdc.errors import InputError, Problem

TEXT = "text.json"
_KNOWN = frozenset(
    [
        "toy_tokenizer",
        "image_token_id",
        "ignore_index",
        "inference",
        "training",
        "training_two_images_in_one_turn_raises",
    ]
)


def toy_encoder(description: str) -> tuple[Encode, int]:
    """The byte tokenizer that the golden file describes, and its end-of-sequence id.

    Raises:
        InputError: A description without the offset of the bytes or the special ids.
    """
    offset, bos, eos = (
        re.search(pattern, description) for pattern in (r"id\s*=\s*(\d+)\s*\+", r"bos\s*=\s*(\d+)", r"eos\s*=\s*(\d+)")
    )
    if not (offset and bos and eos):
        raise InputError(
            Problem(
                f"tokenizer {description!r}", "id = N + byte, bos = N, eos = N", "describe the tokenizer in text.json"
            )
        )
    first, start = int(offset[1]), int(bos[1])

    def encode(text: str, special_tokens: bool) -> list[int]:
        ids = [first + byte for byte in text.encode("utf-8")]
        return [start, *ids] if special_tokens else ids

    return encode, int(eos[1])


def golden_samples(context: Context, source: str) -> TextBatch | None:
    """The batch made of records ``training[a..b]`` of a golden text file; None where ``source`` names none."""
    found = re.match(r"^(\S+\.json)\s+training\[(\d+)\.\.(\d+)\]$", source)
    if not found or found[1] not in context.golden.files:
        return None
    golden = context.golden.json(found[1])
    encode, eos = toy_encoder(golden["toy_tokenizer"])
    chosen = golden["training"][int(found[2]) : int(found[3]) + 1]
    return collate_text([encode_turns(record_turns(entry["record"]), encode, eos_id=eos) for entry in chosen])


def check_text(context: Context, file: str) -> None:
    """Prompt strings, ids and labels."""
    golden, checker = context.golden.json(file), context.checker
    checker.fields(file, "", golden, _KNOWN)
    checker.same(file, "image_token_id", IMAGE_PLACEHOLDER, golden.get("image_token_id"))
    checker.same(file, "ignore_index", IGNORED_LABEL, golden.get("ignore_index"))
    encode, eos = toy_encoder(golden["toy_tokenizer"])
    for number, case in enumerate(golden.get("inference", [])):
        label = f"inference[{number}]"
        checker.fields(file, label, case, frozenset(("num_frames", "question", "prompt_text", "input_ids")))
        prompt = prompt_format().prompt(case["question"], case["num_frames"])
        checker.same(file, f"{label} prompt_text", prompt, case["prompt_text"])
        checker.same(file, f"{label} input_ids", encode_with_placeholders(prompt, encode), case["input_ids"])
    for number, case in enumerate(golden.get("training", [])):
        with checker.guarded(file, f"training[{number}]"):
            _check_record(context, file, f"training[{number}]", case, encode, eos)
    if "training_two_images_in_one_turn_raises" in golden:
        _check_two_images(context, file, encode, eos)


def _check_record(context: Context, file: str, label: str, case: dict[str, Any], encode: Encode, eos: int) -> None:
    checker, style = context.checker, prompt_format()
    turns = record_turns(case["record"])
    sample = encode_turns(turns, encode, eos_id=eos, max_images_per_turn=1)
    ours: dict[str, Any] = {
        "mapped": [{"input": turn.user, "output": turn.answer} for turn in turns],
        "templated": [
            {
                "input": style.turn(turn.user),
                "output": turn.answer,
                "need_eos_token": True,
                "sep": style.answer_separator,
            }
            for turn in turns
        ],
        "input_ids": list(sample.input_ids),
        "labels": list(sample.labels),
    }
    for key, golden in case.items():
        if found := re.match(r"^truncated_to_(\d+)$", key):
            short = sample.truncated(int(found[1]))
            checker.same(file, f"{label} {key} input_ids", list(short.input_ids), golden["input_ids"])
            checker.same(file, f"{label} {key} labels", list(short.labels), golden["labels"])
        elif key in ours:
            checker.same(file, f"{label} {key}", ours[key], golden)
        elif key != "record":
            checker.fields(file, label, {key: golden}, frozenset())


def _check_two_images(context: Context, file: str, encode: Encode, eos: int) -> None:
    """The published encoder refuses two images in a turn; ours does where it is told to."""
    mark = prompt_format().placeholder
    try:
        encode_turns((Turn(f"{mark} {mark}\nboth?", "yes"),), encode, eos_id=eos, max_images_per_turn=1)
        raised = False
    except InputError:
        raised = True
    context.checker.same(file, "training_two_images_in_one_turn_raises", raised, True)


def check_frames(context: Context, file: str) -> None:
    """Frame indices of every rule, one item per rule and number of cases."""
    rules = {"indices": uniform_with_last, "hf_doc_variant": strided, "decord_variant": uniform}
    cases = context.golden.json(file)
    differing: dict[str, list[tuple[int, int]]] = {name: [] for name in rules}
    seen: dict[str, int] = dict.fromkeys(rules, 0)
    for case in cases:
        context.checker.fields(file, "", case, frozenset((*rules, "total_frames", "num_frames")))
        for name, rule in rules.items():
            if name in case:
                seen[name] += 1
                if rule(case["total_frames"], case["num_frames"]) != case[name]:
                    differing[name].append((case["total_frames"], case["num_frames"]))
    for name in rules:
        if seen[name]:
            context.checker.same(file, f"{name} ({seen[name]} cases): (total, wanted) that differ", differing[name], [])


def check_preprocessing(context: Context, file: str) -> None:
    """Both roads from bytes to pixels, and the one between."""
    entry = context.golden.files[file]
    described = re.search(r"multiple of (\d+)", str(entry.get("tensor_meaning", "")))
    patch_size = int(described[1]) if described else context.patch_size
    spec = ImageSpec(size=int(entry["target"]), patch_size=patch_size)
    roads = {
        "inference": centre_crop_pixels,
        "training": padded_pixels,
        "training_centercrop_variant": square_pixels,
    }
    sizes = {image["index"]: (image["height"], image["width"]) for image in entry.get("images", [])}
    for name in context.golden.tensors(file):
        picture, _, road = name.partition(".")
        if not road:
            pixels = context.input(file, name)
            index = int(re.sub(r"\D", "", picture))
            context.checker.same(file, f"{name} size", sizes.get(index), tuple(pixels.shape[:2]))
        elif road in roads:
            image = context.input(file, picture).numpy()
            context.checker.tensor(file, name, torch.from_numpy(roads[road](image, spec)))
