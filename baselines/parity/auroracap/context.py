"""What the checks of AuroraCap share: the folder, the book of items, and the models built from its checkpoints."""

from __future__ import annotations

import re
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from baselines.auroracap.convert import convert, read_checkpoint
from baselines.auroracap.load import load_model
from baselines.auroracap.model import AuroraCapForConditionalGeneration
from baselines.parity.context import GoldenContext
from vdc.errors import InputError, Problem

_RATIO = re.compile(r"^ratio(\d+(?:\.\d+)?)\.(?!\d)(.+)$")


class Context(GoldenContext):
    """One run, with what is built from the golden weights."""

    @property
    def has_release(self) -> bool:
        """Whether the manifest names a checkpoint in the released layout."""
        return any(name.endswith("visual_encoder/config.json") for name in self.golden.files)

    @cached_property
    def release(self) -> str:
        """Folder of the checkpoint in the released layout, relative to the golden folder.

        Raises:
            InputError: The manifest names none.
        """
        for name in self.golden.files:
            if name.endswith("visual_encoder/config.json"):
                return str(Path(name).parents[1])
        raise InputError(
            Problem("no visual_encoder/config.json", "a checkpoint in the released layout", "fetch the folder again")
        )

    @cached_property
    def model(self) -> AuroraCapForConditionalGeneration:
        """The golden weights, converted and loaded in float32."""
        return self.build()

    def build(self, **changes: Any) -> AuroraCapForConditionalGeneration:
        """The golden weights in a model whose configuration differs by ``changes``."""
        with tempfile.TemporaryDirectory() as work:
            target = convert(self.golden.folder / self.release, Path(work) / "native", dtype=torch.float32)
            if not changes:
                return load_model(target, dtype=torch.float32)
            config = read_checkpoint(target).config
            for name, value in changes.items():
                setattr(config, name, value)
            model = AuroraCapForConditionalGeneration.from_pretrained(target, config=config, dtype=torch.float32)
            built: AuroraCapForConditionalGeneration = model.eval()
            return built

    @cached_property
    def patch_size(self) -> int:
        """Side of a patch, pixels."""
        return int(self.model.config.vision_config.patch_size)

    def by_ratio(self, file: str) -> dict[float, dict[str, str]]:
        """Ratio -> (rest of the tensor's name -> whole name) for tensors named ``ratio<q>.<rest>``."""
        groups: dict[float, dict[str, str]] = {}
        for name in self.golden.tensors(file):
            if found := _RATIO.match(name):
                groups.setdefault(float(found[1]), {})[found[2]] = name
        return groups
