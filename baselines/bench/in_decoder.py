"""LLaVolta's lines: every patch enters the decoder, and a layer inside it makes fewer of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.bench.lines import Video
from baselines.bench.shapes import BenchShape
from baselines.common.splice import Span
from baselines.llavolta.compress import make_layout
from baselines.llavolta.decoder import DecoderCompression
from baselines.llavolta.schemes import schemes
from baselines.llavolta.setting import GROUPINGS, Compression, Grouping
from baselines.token_reduction.interface import EncoderShape, TokenBudget

PUBLISHED: Grouping = "avgpool1d"
COMPARED = Compression(layer=2, stride=8)
"""Setting at which all compressors stand side by side: the strongest of the schemes."""


@dataclass(frozen=True, slots=True)
class DecoderLine:
    """One compressor at one layer.

    Args:
        setting: As it runs: the layer is one of the measured decoder.
    """

    setting: Compression

    @property
    def model(self) -> str:
        """See :class:`baselines.bench.lines.Line`."""
        return "LLaVolta" if self.setting.grouping == PUBLISHED else ""

    @property
    def name(self) -> str:
        """See :class:`baselines.bench.lines.Line`."""
        kind = "pool" if self.setting.grouping == PUBLISHED else self.setting.grouping
        return f"{kind} 1/{self.setting.stride} from layer {self.setting.layer}"

    def budget(self, frames: int, shape: EncoderShape) -> TokenBudget:
        """See :class:`baselines.bench.lines.Line`."""
        return TokenBudget(
            frames,
            (shape.patches + 1,) * shape.feature_layer,
            frames * shape.patches,
            compressing_layer=self.setting.layer,
            compressed_tokens=frames * (shape.patches // self.setting.stride),
            ranked=self.setting.grouping == "attention",
        )

    def embed(self, video: Video) -> Tensor:
        """See :class:`baselines.bench.lines.Line`."""
        return video.project(video.encode(video.pixels).flatten(0, 1))

    def compression(self, frames: int, patches: int, positions: int) -> DecoderCompression:
        """See :class:`baselines.bench.lines.Line`."""
        spans = [Span(frame * patches, patches) for frame in range(frames)]
        layout = make_layout([spans], self.setting.stride, positions=positions)
        ranked = self.setting.grouping == "attention"
        return DecoderCompression(
            self.setting.layer,
            layout,
            "floor",
            grouping=self.setting.grouping,
            queries=torch.tensor([positions - 1]) if ranked else None,
        )


def scaled(setting: Compression, shape: BenchShape) -> Compression:
    """The setting in a decoder of another depth: the same share of the layers comes before, at least one."""
    layer = max(1, round(setting.layer * shape.decoder.layers / shape.published_layers))
    return Compression(layer, setting.stride, setting.grouping)


def decoder_lines(shape: BenchShape) -> list[DecoderLine]:
    """Every setting of the published schemes, then every other compressor at the strongest of them."""
    stages = [stage.compression for each in schemes().values() for stage in each.schedule.stages]
    settings = dict.fromkeys(stage for stage in stages if stage.pools)
    others = [
        Compression(COMPARED.layer, COMPARED.stride, name) for name in GROUPINGS if name not in (PUBLISHED, "none")
    ]
    wanted = dict.fromkeys(scaled(each, shape) for each in [*settings, *others])
    return [DecoderLine(each) for each in wanted]
