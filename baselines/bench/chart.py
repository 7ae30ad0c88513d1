"""The chart of ``vdc bench tokens``."""

from __future__ import annotations

import io

from baselines.bench.table import TokenTable

STAGES = ("#4c72b0", "#dd8452")


def draw_chart(table: TokenTable) -> bytes:
    """Operations and latency per reduction, as PNG: stages stacked, mean visual tokens of a layer in the names."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = table.rows[::-1]  # the first line on top
    layers = table.rows[0].token_layers / table.rows[0].visual_tokens if table.rows else 1
    labels = [
        f"{f'{row.model}: ' if row.model else ''}{row.name} ({row.token_layers / layers:,.0f} tokens)" for row in rows
    ]
    places = range(len(rows))
    figure = Figure(figsize=(12, 0.42 * len(rows) + 1.6), layout="constrained")
    FigureCanvasAgg(figure)
    timed = any(row.encode_s is not None for row in rows)
    panels = figure.subplots(1, 2 if timed else 1, sharey=True, squeeze=False)[0]
    left = panels[0]
    encoder = [(row.flops.encoder + row.flops.reader + row.flops.projector) / 1e9 for row in rows]
    left.barh(places, encoder, color=STAGES[0], label="from pixels to projected tokens")
    left.barh(places, [row.flops.prefill / 1e9 for row in rows], left=encoder, color=STAGES[1], label="prefill")
    left.set_yticks(list(places), labels)
    left.set_xlabel("operations, GFLOPs (counted)")
    if timed:
        right = panels[1]
        encode = [1000 * (row.encode_s or 0) for row in rows]
        right.barh(places, encode, color=STAGES[0])
        right.barh(places, [1000 * (row.prefill_s or 0) for row in rows], left=encode, color=STAGES[1])
        right.set_xlabel(f"latency, ms ({table.device}, {table.dtype})")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    target = io.BytesIO()
    # no version of the library inside, so the same numbers give the same file
    figure.savefig(target, format="png", dpi=110, metadata={"Software": None})
    return target.getvalue()
