"""What the checks of LLaMA-VID share: the folder, the book of items, tokenizers, and models built from its weights."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from baselines.common.prompts import Encode, plain_encode
from baselines.common.shards import read_json
from baselines.llama_vid.convert import Checkpoint, convert, read_checkpoint
from baselines.llama_vid.model import LlamaVidForConditionalGeneration
from baselines.llama_vid.tokenizer import LlamaVidTokenizer, encode_questions, question_tokenizer
from baselines.parity.context import GoldenContext
from vdc.errors import InputError, Problem

ENTRY_FIELDS = frozenset(["meaning", "bytes", "sha256", "tensors", "atol", "rtol", "tolerance"])
"""Fields of every entry of the manifest that the framework itself reads."""

WEIGHTS, SETTINGS = "model.safetensors", "config.json"
"""Names of the released format, which the folder of golden weights has."""


class Context(GoldenContext):
    """One run, with what is built from the golden weights."""

    @cached_property
    def table(self) -> dict[str, Any]:
        """``config.json`` of the golden folder."""
        return read_json(self.golden.path(SETTINGS))

    @cached_property
    def words(self) -> str:
        """File of the query transformer's words: a list of words, one per line.

        Raises:
            InputError: No such file.
        """
        return self._only("a list of words (*vocab*.txt)", lambda name: name.endswith(".txt") and "vocab" in name)

    @cached_property
    def pieces(self) -> str:
        """Folder of the language model's tokenizer, as the manifest writes it.

        Raises:
            InputError: No such folder.
        """
        return self._only("a folder with tokenizer.model", self._holds_pieces)

    @property
    def has_pieces(self) -> bool:
        """Whether there is such a folder; checks that encode no text do without."""
        return any(self._holds_pieces(name) for name in self.golden.files)

    def _holds_pieces(self, name: str) -> bool:
        return (self.golden.folder / name / "tokenizer.model").is_file()

    def _only(self, wanted: str, fits: Callable[[str], bool]) -> str:
        found = next((name for name in self.golden.files if fits(name)), None)
        if found is None:
            raise InputError(Problem("none", wanted, "fetch the folder again", str(self.golden.folder)))
        return found

    @cached_property
    def heads(self) -> dict[str, int]:
        """Heads of the small parts; the published code has them in its source, so the golden settings add them."""
        table = self.table
        found = {
            "vision": (table.get("_tiny_vit") or {}).get("heads"),
            "qformer": (table.get("_tiny_bert_config") or {}).get("num_attention_heads"),
        }
        return {part: int(heads) for part, heads in found.items() if heads}

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The golden weights, not loaded."""
        return read_checkpoint(self.golden.folder, heads=self.heads, uneven_grid=True)

    @cached_property
    def _shared(self) -> LlamaVidForConditionalGeneration:
        with tempfile.TemporaryDirectory() as work:
            target = convert(
                self.golden.folder,
                Path(work) / "native",
                dtype=torch.float32,
                heads=self.heads,
                uneven_grid=True,
            )
            model = LlamaVidForConditionalGeneration.from_pretrained(target, dtype=torch.float32)
        built: LlamaVidForConditionalGeneration = model.eval()
        return built

    def model(self, compress_type: str | None = None) -> LlamaVidForConditionalGeneration:
        """The golden weights, converted and loaded, with that way to compress frames.

        Args:
            compress_type: As the manifest writes it; None takes that of ``config.json``.
        """
        model = self._shared
        model.config.compress_type = self.checkpoint.config.compress_type if compress_type is None else compress_type
        return model

    def model_with_rope(self, compress_type: str | None, scaling: dict[str, Any]) -> LlamaVidForConditionalGeneration:
        """As :meth:`model`, another one, with other positions in the language model."""
        table = self.checkpoint.config.to_dict()
        rope = {"rope_theta": 10000.0, **(table["text_config"].get("rope_parameters") or {})}
        rope |= {"rope_type": scaling.get("rope_type") or scaling["type"], "factor": float(scaling["factor"])}
        table["text_config"]["rope_parameters"] = rope
        config = type(self.checkpoint.config)(**{key: value for key, value in table.items() if key != "model_type"})
        model = LlamaVidForConditionalGeneration(config)
        model.load_state_dict(self._shared.state_dict())
        model.config.compress_type = compress_type or config.compress_type
        built: LlamaVidForConditionalGeneration = model.eval()
        return built

    @cached_property
    def questions(self) -> Any:
        """The query transformer's tokenizer."""
        return question_tokenizer(self.golden.path(self.words))

    @cache  # noqa: B019  (a run lives as long as its context)
    def encoder(self, legacy: bool) -> Encode:
        """The language model's tokenizer."""
        return plain_encode(LlamaVidTokenizer(str(self.golden.folder / self.pieces / "tokenizer.model"), legacy=legacy))

    @cached_property
    def legacy(self) -> bool:
        """Which kind of tokenizer the golden batches were made with."""
        table = read_json(self.golden.folder / self.pieces / "tokenizer_config.json")
        return bool(table.get("legacy", True))

    def question_tensors(self, rows: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """Questions of every row of a batch: ids and mask, ``(batch, questions, ids)``."""
        flat = [question for row in rows for question in row]
        ids, mask = (torch.tensor(values) for values in encode_questions(self.questions, flat))
        most = max(len(row) for row in rows)
        shape = (len(rows), most, ids.shape[1])
        all_ids, all_masks = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
        start = 0
        for number, row in enumerate(rows):
            all_ids[number, : len(row)] = ids[start : start + len(row)]
            all_masks[number, : len(row)] = mask[start : start + len(row)]
            start += len(row)
        return all_ids, all_masks

    def numbered(self, file: str, prefix: str) -> list[str]:
        """Tensors of a file named by that prefix and a number, in order of the number."""
        found = (re.fullmatch(rf"{re.escape(prefix)}(\d+)", name) for name in self.golden.tensors(file))
        return [match[0] for match in sorted((match for match in found if match), key=lambda match: int(match[1]))]
