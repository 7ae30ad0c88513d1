"""What the checks of LLaVolta share: the folder, the book of items, and the model made from its weights."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from baselines.common.shards import write_json
from baselines.llavolta.convert import convert
from baselines.llavolta.model import LlavoltaForConditionalGeneration
from baselines.llavolta.setting import Compression
from baselines.parity.checker import Checker
from baselines.parity.golden import GoldenFolder
from vdc.errors import InputError, Problem

DEFECT = "DEFECT"
DEFECT_REASON = "recorded from a defect of the published code; here it is corrected, which the tests show"


@dataclass
class Context:
    """One run.

    Args:
        golden: The folder.
        checker: Its book.
    """

    golden: GoldenFolder
    checker: Checker

    @cached_property
    def weights(self) -> str:
        """File of the whole model: the one whose manifest holds a configuration.

        Raises:
            InputError: No such file.
        """
        for name, entry in self.golden.files.items():
            if name.endswith(".safetensors") and isinstance(entry.get("config"), dict):
                return name
        raise InputError(
            Problem("no weights with their configuration", "one file of a whole model", "fetch the folder again")
        )

    @cached_property
    def model(self) -> LlavoltaForConditionalGeneration:
        """The golden weights, converted and loaded in float32, with positions rounded as published."""
        with tempfile.TemporaryDirectory() as work:
            release = self.write_release(Path(work) / "release")
            native = convert(release, Path(work) / "native", dtype=torch.float32)
            model = LlavoltaForConditionalGeneration.from_pretrained(native, dtype=torch.float32)
        model.config.position_rounding = "float16"
        model.config.max_sequence_length = self.golden.files[self.weights]["config"].get("tokenizer_model_max_length")
        loaded: LlavoltaForConditionalGeneration = model.eval()
        return loaded

    def write_release(self, folder: Path) -> Path:
        """The golden weights as a folder in the official layout."""
        folder.mkdir()
        save_file(self.golden.tensors(self.weights), folder / "model.safetensors", metadata={"format": "pt"})
        write_json(folder / "config.json", self.golden.files[self.weights]["config"])
        return folder

    def input(self, file: str, name: str) -> Tensor:
        """A golden tensor that serves as input."""
        self.checker.used(file, name)
        return self.golden.tensors(file)[name]

    def inputs(self, file: str) -> dict[str, Tensor]:
        """The inputs of a pass that a file holds: ids, pixels, and mask and labels where there are any."""
        tensors = self.golden.tensors(file)
        names = ("input_ids", "pixel_values", "attention_mask", "labels")
        return {name: self.input(file, name) for name in names if name in tensors}

    def cases(self, file: str) -> list[dict[str, Any]]:
        """The cases that the file's manifest lists."""
        return list(self.golden.files[file].get("cases", []))

    def of_case(self, file: str, case: Mapping[str, Any]) -> dict[str, str]:
        """Rest of the name -> whole name, for the tensors of a case: ``<case>.<rest>``."""
        prefix = f"{case['name']}."
        return {name.removeprefix(prefix): name for name in self.golden.tensors(file) if name.startswith(prefix)}

    def is_defect(self, case: Mapping[str, Any]) -> bool:
        """Whether the case records something that must not be repeated."""
        return DEFECT in str(case.get("note", ""))

    def starts(self, file: str, label: str, case: Mapping[str, Any], spliced: Any) -> None:
        """Compare where each row's visual spans start, before the batch is padded."""
        if "images_idx" not in case:
            return
        lengths = spliced.attention_mask
        first = [0] * len(spliced.spans) if lengths is None else lengths.int().argmax(dim=1).tolist()
        ours = [[span.start - start for span in row] for row, start in zip(spliced.spans, first, strict=True)]
        self.checker.same(file, f"{label} images_idx", ours, case["images_idx"])


def compression_of(case: Mapping[str, Any]) -> Compression:
    """The setting a case was recorded with."""
    grouping = case.get("grouping", "avgpool1d")
    return Compression(layer=int(case.get("layer", 0)), stride=int(case.get("stride", 1)), grouping=grouping)
