"""All checks of LLaVolta over one golden folder."""

from __future__ import annotations

import re
from pathlib import Path

from baselines.parity.checker import Checker, parts_of, without_prose
from baselines.parity.context import by_name, first_fit
from baselines.parity.llavolta.context import Context
from baselines.parity.llavolta.full import check_forward, check_generation, check_gradients
from baselines.parity.llavolta.golden import LlavoltaGolden
from baselines.parity.llavolta.keys import check_keys
from baselines.parity.llavolta.parts import (
    check_operator,
    check_pictures,
    check_projector,
    check_splice,
    check_vision,
    check_weights,
)
from baselines.parity.llavolta.plans import check_ratios, check_stages
from baselines.parity.llavolta.text import check_text
from baselines.parity.report import ParityReport
from baselines.parity.sampling import check_filled

ELSEWHERE = "scoring of image question benchmarks is the job of lmms-eval"
_IMAGE_SCORERS = re.compile(r"meaning|note|answer_normaliser|(textvqa|vqa|vizwiz|pope|gqa|mme|seed|science).*")
"""Parts of ``eval_postprocess`` that belong to image benchmarks."""


def _name_image_scorers(context: Context, file: str) -> None:
    golden = context.golden.json(file)
    context.checker.fields(file, "", golden, frozenset(name for name in golden if _IMAGE_SCORERS.fullmatch(name)))
    for part in golden:
        if _IMAGE_SCORERS.fullmatch(part) and part not in ("meaning", "note"):
            context.checker.not_covered(file, part, ELSEWHERE)


CHECKS = by_name(
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
    (r"modality_sampler.*\.json", lambda context, file: check_filled(context.checker, file)),
    (r"eval_postprocess.*\.json", _name_image_scorers),
)
"""File name -> check, the first that fits."""

_MANIFEST = frozenset(["set", "note", "environment", "verification", "files"])
_DESCRIPTIONS = frozenset(
    ["file", "bytes", "sha256", "meaning", "manifest", "tensors", "seed", "note", "uses", "tolerance"]
)
_USED_FIELDS = frozenset(["cases", "config", "processor", "mm_hidden_size", "hidden_size", "visual_length"])
"""Fields of a file's manifest that its check reads."""


def check(folder: Path) -> ParityReport:
    """Every check the folder allows.

    Raises:
        InputError: No manifest.
    """
    golden = LlavoltaGolden(folder)
    checker = Checker(golden)
    context = Context(golden, checker)
    checker.fields(golden.manifest_name, "", parts_of(golden.manifest), _MANIFEST)
    for file, entry in golden.files.items():
        checker.fields(file, "", without_prose(entry), _DESCRIPTIONS | _USED_FIELDS)
        with checker.guarded(file, "file"):
            checker.integrity(file)
    for file in golden.files:
        found = first_fit(CHECKS, file)
        if found is not None:
            with checker.guarded(file, "check"):
                found(context, file)
    return checker.report("llavolta")
