"""Settings that let a random model write letters: its random bytes are no text and would all read the same."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from baselines.common.byte_tokenizer import EOS, FIRST_BYTE
from baselines.common.shards import write_json

VOCABULARY: Final = 320
"""Rows of every toy model's table of embeddings."""


def write_printable_generation(folder: str | Path) -> None:
    """Write ``generation_config.json`` beside a toy model that uses the byte tokenizer.

    Args:
        folder: Its folder.
    """
    spoken = {EOS, *(FIRST_BYTE + byte for byte in range(32, 127))}
    silent = [token for token in range(VOCABULARY) if token not in spoken]
    write_json(Path(folder) / "generation_config.json", {"suppress_tokens": silent, "eos_token_id": EOS})
