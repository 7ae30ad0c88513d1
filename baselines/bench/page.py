"""The page that ``vdc bench tokens --write`` makes."""

from __future__ import annotations

from baselines.bench.table import TokenTable

FORMULA = """\
Operations are counted, not measured; a multiply-add is two. One layer of the tower with `n` tokens of width `d` in,
`k` left after merging and an MLP of width `m` takes `8 n d^2 + 4 n^2 d + 4 k d m`, and
`2 ceil(n/2) floor(n/2) d/heads` more where it merges. One layer of the decoder with `n` tokens of width `D` and a
gated MLP of width `M` takes `8 n D^2 + 4 n^2 D + 6 n D M`; a decoder that compresses is counted layer by layer. One
picture in the query transformer with `q` queries, `s` queries and question tokens of width `w` and an MLP of width `m`
takes `8 s w^2 + 4 s^2 w + 4 s w m` in every layer and `4 q w^2 + 4 n d w + 4 q n w` more in every second; then context
attention and its projections, `2 q w d + 2 n d^2 + 2 q n d + 2 n d + 2 d D`. Ranking by attention takes
`2 D^2 + 2 n D^2 + 2 n D`. Patch embedding, projector (`2 n d D + 2 n D^2`) and the head at the last position (`2 D V`)
come on top; norms, activations, softmax and what the other compressors compute are left out. Attention of the decoder
is counted in full although half of it is masked."""

COLUMNS = """\
`visual tokens` enter the decoder; `over layers` sums them over its layers, which differs where a layer inside it
compresses. `encode` runs from pixels to projected tokens, the query transformer included; `prefill` from there, with
the text, to the first new token. `peak` is what either stage needs beyond the weights and its inputs, the larger of the
two. `none` and the lines that compress inside the decoder do the same work in `encode`; how far they differ is the
noise of the times. `of none` compares with the first line. Accuracy and score stay empty for random weights;
`--score 'merging 0.2=RUN'` puts the average of a scored run there."""

PAPERS = """\
All lines share one tower, one video, one projector shape and one decoder, so they compare reductions and not released
models. `AuroraCap` merges tokens inside the tower. `LLaMA-VID` has a token per frame that a query transformer makes for
the question, beside pooled patches. `LLaVolta` pools inside the decoder, so every patch enters it; its layers are
scaled to this decoder's depth, at least one layer coming before. Lines without a paper are what papers compare with:
the training-free reductions before the projector, and inside the decoder random drop, k-means, the attention that
tokens receive, and pooling with learned weights."""

SCHEMES = """\
LLaVolta changes its setting during training. Means over the stages of each scheme, weighted by their share, at the
settings of this shape: what a training step's decoder sees. The paper's own counts, for one picture and 32 layers, are
in `vdc reproduce llavolta schemes`."""


def page_text(table: TokenTable, chart_file: str) -> str:
    """The page, in Markdown.

    Args:
        table: What it shows.
        chart_file: Name of the chart, which lies beside it.
    """
    ran = f" --repeats {table.repeats}" if table.repeats else " --device none"
    if table.device.endswith("processor time"):
        ran += " --clock processor"
    origin = (
        f"Written by `vdc bench tokens --shapes {table.shape}{ran} --write DIR`. One random video of {table.frames} "
        f"frames, one model of the shape `{table.shape}` with random weights, the same for every line; "
        f"{table.circumstances}."
    )
    heading = "# Token reduction: tokens, operations, latency, memory"
    chart = f"![Operations and latency]({chart_file})"
    parts = [heading, origin, table.to_markdown(), chart, PAPERS, COLUMNS]
    if table.schemes:
        parts += ["## Training schemes", table.schemes_markdown(), SCHEMES]
    return "\n\n".join([*parts, "## How operations are counted", FORMULA]) + "\n"
