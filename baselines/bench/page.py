"""The page that ``vdc bench tokens --write`` makes."""

from __future__ import annotations

from baselines.bench.table import TokenTable

FORMULA = """\
Operations are counted, not measured; a multiply-add is two. One layer of the tower with `n` tokens of width `d` in,
`k` left after merging and an MLP of width `m` takes `8 n d^2 + 4 n^2 d + 4 k d m`, and
`2 ceil(n/2) floor(n/2) d/heads` more where it merges. One layer of the decoder with `n` tokens of width `D` and a
gated MLP of width `M` takes `8 n D^2 + 4 n^2 D + 6 n D M`. Patch embedding, projector (`2 n d D + 2 n D^2`) and the
head at the last position (`2 D V`) come on top; norms, activations and softmax are left out. Attention of the decoder
is counted in full although half of it is masked."""

COLUMNS = """\
`encode` runs from pixels to projected tokens, `prefill` from there, with the text, to the first new token. `peak` is
what either stage needs beyond the weights and its inputs, the larger of the two. `of none` compares the operations with
the first line's. Accuracy and score stay empty for random weights; `--score 'merging 0.2=RUN'` puts the average of a
scored run there."""


def page_text(table: TokenTable, chart_file: str) -> str:
    """The page, in Markdown.

    Args:
        table: What it shows.
        chart_file: Name of the chart, which lies beside it.
    """
    ran = "" if table.repeats else " --device none"
    origin = (
        f"Written by `vdc bench tokens --shapes {table.shape}{ran} --write DIR`. One random video of {table.frames} "
        f"frames, one model of the shape `{table.shape}` with random weights, the same for every line; "
        f"{table.circumstances}."
    )
    heading = "# Token reduction: tokens, operations, latency, memory"
    chart = f"![Operations and latency]({chart_file})"
    return "\n\n".join([heading, origin, table.to_markdown(), chart, COLUMNS, FORMULA]) + "\n"
