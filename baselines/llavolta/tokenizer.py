"""The Llama tokenizer as the released weights knew it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from baselines.common.prompts import Encode
from baselines.common.shards import write_json
from vdc.errors import InputError, Problem

_MARK = "▁"


def tokenizer_encode(tokenizer: Any) -> Encode:
    """Text to ids, with a space in front of every text even where it starts with one.

    SentencePiece puts its mark in front of any text. The tokenizer that transformers 5 makes from the same file leaves
    it out where the text starts with a space, as a piece behind a placeholder may, and gives one id less.

    Args:
        tokenizer: A Llama tokenizer.
    """
    lacks_mark = "".join(tokenizer.tokenize(" ")) == _MARK

    def encode(text: str, special_tokens: bool) -> list[int]:
        if lacks_mark and text.startswith((" ", _MARK)):
            text = _MARK + text
        ids: list[int] = tokenizer(text, add_special_tokens=special_tokens).input_ids
        return ids

    return encode


def load_sentencepiece(model_file: str | Path, *, legacy: bool) -> Any:
    """A tokenizer from a SentencePiece file alone.

    Args:
        model_file: ``tokenizer.model``.
        legacy: Whether text behind a special token gets a mark in front; the released Vicuna files say no.

    Raises:
        InputError: No file, or none that SentencePiece wrote.
    """
    path = Path(model_file)
    if not path.is_file():
        raise InputError(Problem("no file", "a SentencePiece model", "check the path", str(path)))
    with tempfile.TemporaryDirectory() as work:
        shutil.copyfile(path, Path(work) / "tokenizer.model")
        settings = {
            "tokenizer_class": "LlamaTokenizer",
            "legacy": legacy,
            "add_bos_token": True,
            "add_eos_token": False,
        }
        write_json(Path(work) / "tokenizer_config.json", settings)
        try:
            return AutoTokenizer.from_pretrained(work)
        except (ValueError, OSError, TypeError) as error:
            raise InputError(
                Problem(f"a file that is no tokenizer ({error})", "a SentencePiece model", "replace it", str(path))
            ) from error
