"""What the checks of LLaVolta share: the folder, the book of items, and the model made from its weights."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from baselines.common.shards import write_json
from baselines.llavolta.convert import convert
from baselines.llavolta.model import LlavoltaForConditionalGeneration
from baselines.llavolta.setting import NO_COMPRESSION, Compression
from baselines.parity.context import GoldenContext
from vdc.errors import InputError, Problem

DEFECT = "DEFECT"
_INPUTS = ("input_ids", "pixel_values", "attention_mask", "labels")
DEFECT_REASON = "recorded from a defect of the published code; here it is corrected, which the tests show"


class Context(GoldenContext):
    """One run, with what is built from the golden weights."""

    def weights_of(self, file: str) -> str:
        """File of the whole model that a file was recorded with.

        A file of weights is one whose manifest holds a configuration. Another file names the one it uses; where it
        names none, the folder must have but one.

        Raises:
            InputError: No such file, or several and none named.
        """
        models = [
            name
            for name, entry in self.golden.files.items()
            if name.endswith(".safetensors") and isinstance(entry.get("config"), dict)
        ]
        named = [name for name in (file, *self._used(file)) if name in models]
        if named or len(models) == 1:
            return (named or models)[0]
        raise InputError(
            Problem(
                f"{len(models)} files of weights with their configuration for {file}",
                'one, or the one that "uses" names',
                "fetch the folder again",
            )
        )

    def model(self, file: str) -> LlavoltaForConditionalGeneration:
        """The model a file was recorded with, converted and loaded in float32, with positions rounded as published."""
        return self._loaded(self.weights_of(file))

    @cache  # noqa: B019  (a run lives as long as its context)
    def _loaded(self, weights: str) -> LlavoltaForConditionalGeneration:
        with tempfile.TemporaryDirectory() as work:
            release = self.write_release(Path(work) / "release", weights)
            native = convert(release, Path(work) / "native", dtype=torch.float32)
            model = LlavoltaForConditionalGeneration.from_pretrained(native, dtype=torch.float32)
        model.config.position_rounding = "float16"
        model.config.max_sequence_length = self.golden.files[weights]["config"].get("tokenizer_model_max_length")
        loaded: LlavoltaForConditionalGeneration = model.eval()
        return loaded

    def write_release(self, folder: Path, weights: str) -> Path:
        """Golden weights as a folder in the official layout."""
        folder.mkdir()
        save_file(self.golden.tensors(weights), folder / "model.safetensors", metadata={"format": "pt"})
        write_json(folder / "config.json", self.golden.files[weights]["config"])
        return folder

    def _used(self, file: str) -> list[str]:
        """Files that the manifest of a file says it uses, written with or without their ending."""
        words = re.findall(r"[\w.-]*\w", str(self.golden.files[file].get("uses", "")))
        return [name for name in self.golden.files if name in words or name.rpartition(".")[0] in words]

    def inputs(self, file: str) -> dict[str, Any]:
        """The inputs of a pass, from the file itself or from one it uses: ids, and pixels, mask and labels if any.

        Raises:
            InputError: No ids.
        """
        for source in (file, *self._used(file)):
            if source.endswith(".safetensors") and "input_ids" in (tensors := self.golden.tensors(source)):
                given = {name: self.input(source, name) for name in _INPUTS if name in tensors}
                return {"pixel_values": None, **given}
        raise InputError(Problem("no input_ids", 'input_ids in the file, or in one that it "uses"', "fetch it again"))

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
    grouping, layer = case.get("grouping", "avgpool1d"), case.get("layer", 0)
    if layer is None:  # written so where nothing is compressed
        return NO_COMPRESSION
    return Compression(layer=int(layer), stride=int(case.get("stride", 1)), grouping=grouping)
