"""All checks of LLaVolta over one golden folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from baselines.parity.checker import Checker
from baselines.parity.llavolta.context import Context
from baselines.parity.llavolta.full import check_forward, check_generation, check_gradients
from baselines.parity.llavolta.golden import LlavoltaGolden
from baselines.parity.llavolta.parts import (
    check_operator,
    check_pictures,
    check_projector,
    check_splice,
    check_vision,
    check_weights,
)
from baselines.parity.llavolta.plans import check_keys, check_ratios, check_stages, check_text
from baselines.parity.report import ParityReport

Check = Callable[[Context, str], None]

ELSEWHERE = {
    "eval_postprocess": "scoring of image question benchmarks is the job of lmms-eval",
    "modality_sampler": "batch sampling is the trainer's; the model takes mixed batches",
}
"""Beginning of a file's name -> why it is not checked here."""

CHECKS: tuple[tuple[re.Pattern[str], Check], ...] = tuple(
    (re.compile(pattern), check)
    for pattern, check in (
        (r"compressor_op.*\.safetensors", check_operator),
        (r"projector.*\.safetensors", check_projector),
        (r"vision_encode.*\.safetensors", check_vision),
        (r"splice.*\.safetensors", check_splice),
        (r"image_preprocess.*\.safetensors", check_pictures),
        (r".*_model_weights.*\.safetensors", check_weights),
        (r".*_forward.*\.safetensors", check_forward),
        (r".*_generate.*\.safetensors", check_generation),
        (r".*_grads.*\.safetensors", check_gradients),
        (r"tokenize_preprocess.*\.json", check_text),
        (r"stage_schedule.*\.json", check_stages),
        (r"compression_ratio.*\.json", check_ratios),
        (r".*_state_dict_keys.*\.json", check_keys),
    )
)
"""File name -> check, the first that fits."""


def check(folder: Path) -> ParityReport:
    """Every check the folder allows.

    Raises:
        InputError: No manifest.
    """
    golden = LlavoltaGolden(folder)
    checker = Checker(golden)
    context = Context(golden, checker)
    for file in golden.files:
        with checker.guarded(file, "file"):
            checker.integrity(file)
    for file in golden.files:
        elsewhere = next((reason for start, reason in ELSEWHERE.items() if file.startswith(start)), None)
        found = next((check for pattern, check in CHECKS if pattern.fullmatch(file)), None)
        if elsewhere is not None:
            checker.not_covered(file, "whole file", elsewhere)
        elif found is not None:
            with checker.guarded(file, "check"):
                found(context, file)
    return checker.report("llavolta")
