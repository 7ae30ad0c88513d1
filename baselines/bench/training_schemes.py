"""LLaVolta's training schemes, from the lines of the table that are their stages."""

from __future__ import annotations

from collections.abc import Sequence

from baselines.bench.in_decoder import DecoderLine, scaled
from baselines.bench.measure import Measurement
from baselines.bench.shapes import BenchShape
from baselines.bench.table import SchemeRow
from baselines.llavolta.schemes import Scheme, schemes
from baselines.llavolta.setting import Compression


def scheme_rows(shape: BenchShape, rows: Sequence[Measurement]) -> tuple[SchemeRow, ...]:
    """Means over the stages of every scheme.

    Args:
        shape: What was measured.
        rows: Its lines; the one without any reduction stands for stages without compression.
    """
    lines = {row.name: row for row in rows}
    return tuple(_scheme_row(each, shape, lines) for each in schemes().values())


def _scheme_row(scheme: Scheme, shape: BenchShape, lines: dict[str, Measurement]) -> SchemeRow:
    stages = scheme.schedule.stages
    names = [_line_name(stage.compression, shape) for stage in stages]
    shares = [float(stage.share) for stage in stages]
    found = [lines[name] for name in names]
    times = [row.prefill_s for row in found if row.prefill_s is not None]
    return SchemeRow(
        scheme.name,
        ", ".join(names),
        sum(share * row.token_layers for share, row in zip(shares, found, strict=True)),
        sum(share * row.flops.prefill for share, row in zip(shares, found, strict=True)),
        sum(share * time for share, time in zip(shares, times, strict=True)) if len(times) == len(found) else None,
    )


def _line_name(setting: Compression, shape: BenchShape) -> str:
    return DecoderLine(scaled(setting, shape)).name if setting.pools else "none"
