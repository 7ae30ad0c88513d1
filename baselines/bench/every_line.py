"""Everything that stands in the table, in order."""

from __future__ import annotations

from baselines.bench.in_decoder import decoder_lines
from baselines.bench.lines import Line, ReductionLine
from baselines.bench.question_guided import ContextContentLine
from baselines.bench.shapes import BenchShape
from baselines.token_reduction.methods import make_reduction


def make_lines(shape: BenchShape) -> list[Line]:
    """Reductions before the projector, then what LLaMA-VID and LLaVolta add.

    Args:
        shape: Of the model that is measured; the lines' settings are its.
    """
    reductions = [ReductionLine(make_reduction(name, **settings)) for name, settings in shape.reductions]
    guided = [ContextContentLine(shape, pooled) for pooled in shape.pooled]
    return [*reductions, *guided, *decoder_lines(shape)]
