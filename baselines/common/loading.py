"""Loading a converted checkpoint of any model of this project, in full or reduced precision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import BitsAndBytesConfig

from baselines.common.shards import read_json
from vdc.errors import InputError, MissingExtra, Problem

Attention = Literal["sdpa", "flash_attention_2", "eager"]
Bits = Literal[4, 8]


def quantisation(
    bits: Bits, keep: Sequence[str] = (), compute_dtype: torch.dtype = torch.float16
) -> BitsAndBytesConfig:
    """How to load a language model in 4 bits (nf4, twice quantised) or 8.

    Args:
        bits: 4 or 8.
        keep: Modules that keep their precision, by whole name: transformers matches names from the start.
        compute_dtype: Dtype that 4-bit weights are multiplied in.

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
        llm_int8_skip_modules=list(keep) or None,
    )


def load_native(
    model_class: Any,
    name: str | Path,
    *,
    keep: Sequence[str],
    dtype: torch.dtype | Literal["auto"] = "auto",
    device_map: str | dict[str, Any] | None = None,
    attention: Attention = "sdpa",
    bits: Bits | None = None,
    revision: str | None = None,
) -> Any:
    """A model from a converted folder or a Hub name, in evaluation mode, with every weight in its place.

    Args:
        model_class: A model of this project; its package holds ``convert``.
        name: Folder written by ``convert`` or ``save_pretrained``, or a Hub name of one.
        keep: As :func:`quantisation`.
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
    kind = model_class.config_class.model_type
    if folder.is_dir() and read_json(folder / "config.json").get("model_type") != kind:
        package = model_class.__module__.rpartition(".")[0]
        raise InputError(
            Problem(
                "a folder that is not in this project's layout",
                "a folder written by convert or save_pretrained",
                f"run python -m {package}.convert {folder} DESTINATION first",
                str(folder),
            )
        )
    options: dict[str, Any] = {"dtype": dtype, "attn_implementation": attention, "revision": revision}
    if device_map is not None:
        options["device_map"] = device_map
    if bits is not None:
        options["quantization_config"] = quantisation(bits, keep, torch.float16 if dtype == "auto" else dtype)
    model, report = model_class.from_pretrained(name, output_loading_info=True, **options)
    problems = [
        Problem(f"{part.replace('_', ' ')} {sorted(str(key) for key in report[part])[:5]}", "none", advice, str(name))
        for part, advice in (
            ("missing_keys", "check that the checkpoint is whole"),
            ("unexpected_keys", f"check that it is a checkpoint of {model_class.__name__}"),
            ("mismatched_keys", "check config.json"),
        )
        if report.get(part)
    ]
    if problems:
        raise InputError(problems)
    return model.eval()


def load_beside(processor_class: Any, name: str | Path, *, expected: str, revision: str | None = None) -> Any:
    """The processor, or tokenizer, beside a converted checkpoint.

    Args:
        processor_class: Its class.
        name: Folder or Hub name.
        expected: Files it is made of.
        revision: Hub revision.

    Raises:
        InputError: Some of them are not there.
    """
    try:
        return processor_class.from_pretrained(name, revision=revision)
    except (OSError, ValueError, TypeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise InputError(
            Problem(
                f"no tokenizer or image settings ({reason})",
                f"{expected} beside the weights",
                "convert the whole released folder, not its weights alone",
                str(name),
            )
        ) from error
