"""Text and pictures before the model: conversations, labels, templates, frames, subtitles, pixels."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import torch

from baselines.common.frame_sampling import by_rate
from baselines.common.images import ImageSpec, centre_crop_pixels, square_pixels
from baselines.llama_vid.prompts import load_template
from baselines.llama_vid.subtitles import interleave, parse_srt
from baselines.llama_vid.training_text import encode_sample, insert_film, mark_first, read_messages
from baselines.parity.llama_vid.context import ENTRY_FIELDS, Context
from vdc.errors import InputError

_CASE_FIELDS = frozenset(
    [
        "version",
        "tokenizer_legacy",
        "sample",
        "has_image",
        "movie_inputs",
        "refine_prompt",
        "python_random_seed",
        "after_media_step",
        "input_ids",
        "labels",
        "prompts",
        "warning",
    ]
)


def check_preprocess(context: Context, file: str) -> None:
    """Ids, labels and questions of conversations."""
    golden, checker = context.golden.json(file), context.checker
    checker.fields(file, "", golden, frozenset(["cases", "note"]))
    for number, case in enumerate(golden["cases"]):
        label = f"cases[{number}]"
        with checker.guarded(file, label):
            checker.fields(file, label, case, _CASE_FIELDS)
            _check_case(context, file, label, case)


def _check_case(context: Context, file: str, label: str, case: dict[str, Any]) -> None:
    checker = context.checker
    sample = encode_sample(
        case["sample"],
        context.encoder(bool(case.get("tokenizer_legacy", True))),
        stage=case["version"],
        film=case.get("movie_inputs"),
        coin=Random(case.get("python_random_seed", 0)),
        ignore_miscounted=True,
    )
    checker.same(file, f"{label} input_ids", list(sample.text.input_ids), case["input_ids"])
    checker.same(file, f"{label} labels", list(sample.text.labels), case["labels"])
    if case.get("prompts") is not None:
        checker.same(file, f"{label} prompts", list(sample.published_questions), case["prompts"])
    checker.same(file, f"{label} warning", sample.miscounted, bool(case.get("warning")))
    if "after_media_step" in case:
        checker.same(file, f"{label} after_media_step", _after_media_step(case), case["after_media_step"])


def _after_media_step(case: dict[str, Any]) -> list[dict[str, str]]:
    """The messages with their marks moved; what precedes the user's first message is kept, as published."""
    messages = list(read_messages(case["sample"]))
    leading = case["sample"][: len(case["sample"]) - len(messages)]
    if case["version"] == "plain_guided":
        return [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": messages[1].text}]
    if case.get("movie_inputs") is not None:
        messages, _ = insert_film(messages, case["movie_inputs"])
    elif case.get("has_image", True):
        messages = mark_first(messages)
    made = [{"from": "human" if message.human else "gpt", "value": message.text} for message in messages]
    return [*leading, *made]


def check_conversation(context: Context, file: str) -> None:
    """Every template, rendered, with its parts."""
    checker = context.checker
    known = frozenset(
        ["template", "messages", "prompt", "error", "system", "sep", "sep2", "roles", "sep_style", "version"]
    )
    for case in context.golden.json(file):
        label = case["template"]
        with checker.guarded(file, label):
            checker.fields(file, label, case, known)
            template = load_template(label)
            try:
                prompt = template.render(case["messages"])
            except InputError:
                prompt = None
            checker.same(file, f"{label} prompt", prompt, case["prompt"])
            ours = {
                "system": template.system,
                "sep": template.separators[0],
                "sep2": template.separators[1] if len(template.separators) > 1 else None,
                "roles": list(template.roles) or ["", ""],
                "sep_style": {0: "PLAIN", 1: "SINGLE", 2: "TWO"}[len(template.separators) if template.roles else 0],
            }
            for key, value in ours.items():
                if key in case:
                    checker.same(file, f"{label} {key}", value, case[key])
            checker.same(file, f"{label} error", prompt is None, case["error"] is not None)


def check_frames(context: Context, file: str) -> None:
    """Frame indices; where the published code fails, every frame is taken here."""
    cases, checker = context.golden.json(file), context.checker
    differing = []
    known = frozenset(["avg_fps", "num_frames", "target_fps", "stride", "indices", "error"])
    for case in cases:
        checker.fields(file, "", case, known)
        ours = by_rate(case["num_frames"], case["avg_fps"], case["target_fps"])
        theirs = list(range(case["num_frames"])) if case.get("error") else case["indices"]
        stride = round(case["avg_fps"] / case["target_fps"])
        if ours != theirs or stride != case.get("stride", stride):
            differing.append((case["avg_fps"], case["num_frames"], case["target_fps"]))
    failed = sum(bool(case.get("error")) for case in cases)
    label = f"{len(cases)} cases, of which the published code fails on {failed}: (rate, frames, wanted) that differ"
    checker.same(file, label, differing, [])


def check_subtitles(context: Context, file: str) -> None:
    """Parsing, and the place of subtitles between frames."""
    golden, checker = context.golden.json(file), context.checker
    checker.fields(file, "", golden, frozenset(["srt", "parsed", "cases", "custom_video"]))
    subtitles = parse_srt(golden["srt"])
    ours = [{"start_time": one.start_s, "end_time": one.end_s, "text": one.text} for one in subtitles]
    checker.same(file, "parsed", ours, golden["parsed"])
    for number, case in enumerate(golden.get("cases", [])):
        checker.fields(file, f"cases[{number}]", case, frozenset(["frame_time", "inputs", "inputs_custom"]))
        for key in ("inputs", "inputs_custom"):
            if key in case:
                checker.same(file, f"cases[{number}] {key}", interleave(subtitles, case["frame_time"]), case[key])
    video = golden.get("custom_video")
    if video:
        known = frozenset(["avg_fps", "num_frames", "target_fps", "indices", "frame_time"])
        checker.fields(file, "custom_video", video, known)
        indices = by_rate(video["num_frames"], video["avg_fps"], video["target_fps"])
        checker.same(file, "custom_video indices", indices, video["indices"])
        times = [index / video["avg_fps"] for index in indices]
        checker.same(file, "custom_video frame_time", times, video["frame_time"])


def check_pixels(context: Context, file: str) -> None:
    """Both roads of a picture, and the one of a video's frames."""
    entry, checker = context.golden.files[file], context.checker
    checker.fields(file, "", entry, ENTRY_FIELDS | {"config"})
    settings = entry["config"]
    known = frozenset(["shortest_edge", "crop", "resample", "image_mean", "image_std", "background"])
    checker.fields(file, "config", settings, known)
    spec = ImageSpec(settings["shortest_edge"], mean=tuple(settings["image_mean"]), std=tuple(settings["image_std"]))
    checker.same(file, "config crop", spec.size, settings["crop"])
    checker.same(file, "config resample", "bicubic", settings.get("resample", "bicubic"))
    if "background" in settings:
        checker.same(file, "config background", [int(255 * mean) for mean in spec.mean], settings["background"])
    roads = {"crop": centre_crop_pixels, "pad": square_pixels}
    for name in context.golden.tensors(file):
        if found := re.fullmatch(r"output\.(crop|pad)(\d+)", name):
            picture = context.input(file, f"input.rgb{found[2]}").numpy()
            checker.tensor(file, name, torch.from_numpy(roads[found[1]](picture, spec)))
        elif found := re.fullmatch(r"output\.(frames\d*)", name):
            frames = context.input(file, f"input.{found[1]}").numpy()
            made = [torch.from_numpy(centre_crop_pixels(frame, spec)) for frame in frames]
            checker.tensor(file, name, torch.stack(made))
