"""Loading a converted checkpoint, in full or reduced precision."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import BitsAndBytesConfig

from baselines.auroracap.model import AuroraCapForConditionalGeneration
from baselines.auroracap.processor import AuroraCapProcessor
from vdc.errors import InputError, MissingExtra, Problem

logger = logging.getLogger(__name__)

Attention = Literal["sdpa", "flash_attention_2", "eager"]

UNQUANTISED = ("model.vision_tower", "model.multi_modal_projector", "lm_head")
"""Parts that keep their precision: matching compares keys, where rounding changes which tokens merge. Whole names:
transformers matches them from the start."""


def quantisation(bits: Literal[4, 8], compute_dtype: torch.dtype = torch.float16) -> BitsAndBytesConfig:
    """How to load the language model in 4 bits (nf4, twice quantised) or 8.

    Raises:
        InputError: Another number of bits.
        MissingExtra: bitsandbytes is not installed.
    """
    if bits not in (4, 8):
        raise InputError(Problem(f"{bits} bits", "4 or 8", "leave it out for full precision"))
    try:
        import bitsandbytes  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401
    except ImportError as error:
        raise MissingExtra(f"loading in {bits} bits", "quantization") from error
    return BitsAndBytesConfig(
        load_in_4bit=bits == 4,
        load_in_8bit=bits == 8,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute_dtype,
        llm_int8_skip_modules=list(UNQUANTISED),
    )


def load_model(
    name: str | Path,
    *,
    dtype: torch.dtype | Literal["auto"] = "auto",
    device_map: str | dict[str, Any] | None = None,
    attention: Attention = "sdpa",
    bits: Literal[4, 8] | None = None,
    revision: str | None = None,
) -> AuroraCapForConditionalGeneration:
    """A model from a converted folder or a Hub name, in evaluation mode.

    Args:
        name: Folder written by ``convert`` or ``save_pretrained``, or a Hub name of one.
        dtype: Dtype of the weights; ``auto`` takes the configuration's.
        device_map: Where the weights go, as accelerate understands it; None is the CPU.
        attention: Attention implementation of tower and decoder.
        bits: Load the language model in 4 or 8 bits.
        revision: Hub revision.

    Raises:
        InputError: A folder in another layout, or weights that do not fit the model.
        MissingExtra: As :func:`quantisation`.
    """
    folder = Path(name)
    if folder.is_dir() and not _is_native(folder):
        raise InputError(
            Problem(
                "a folder that is not in this project's layout",
                "a folder written by convert or save_pretrained",
                f"run python -m baselines.auroracap.convert {folder} DESTINATION first",
                str(folder),
            )
        )
    options: dict[str, Any] = {"dtype": dtype, "attn_implementation": attention, "revision": revision}
    if device_map is not None:
        options["device_map"] = device_map
    if bits is not None:
        options["quantization_config"] = quantisation(bits, torch.float16 if dtype == "auto" else dtype)
    model, report = AuroraCapForConditionalGeneration.from_pretrained(name, output_loading_info=True, **options)
    problems = [
        Problem(f"{kind.replace('_', ' ')} {sorted(str(key) for key in report[kind])[:5]}", "none", advice, str(name))
        for kind, advice in (
            ("missing_keys", "check that the checkpoint is whole"),
            ("unexpected_keys", "check that it is an AuroraCap checkpoint"),
            ("mismatched_keys", "check config.json"),
        )
        if report.get(kind)
    ]
    if problems:
        raise InputError(problems)
    loaded: AuroraCapForConditionalGeneration = model.eval()
    return loaded


def load_processor(name: str | Path, *, revision: str | None = None) -> AuroraCapProcessor:
    """The processor beside a converted checkpoint.

    Raises:
        InputError: The folder holds no tokenizer or no image settings.
    """
    try:
        processor: AuroraCapProcessor = AuroraCapProcessor.from_pretrained(name, revision=revision)
    except (OSError, ValueError) as error:
        raise InputError(
            Problem(
                f"no tokenizer or image settings ({error})",
                "tokenizer.json and preprocessor_config.json beside the weights",
                "convert the whole released folder, not its weights alone",
                str(name),
            )
        ) from error
    return processor


def _is_native(folder: Path) -> bool:
    from baselines.common.shards import read_json

    return read_json(folder / "config.json").get("model_type") == "auroracap"
