from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")

from baselines.bench.every_line import make_lines
from baselines.bench.flops import count_flops
from baselines.bench.lines import Line, Video
from baselines.bench.measure import build_model, share_decoder
from baselines.bench.question_guided import ContextContentLine
from baselines.bench.shapes import SHAPES, BenchShape, DecoderShape, ReaderShape, TowerShape, _reductions
from baselines.token_reduction.interface import TokenBudget

SMALL = BenchShape(
    "small",
    TowerShape(image_size=84, patch_size=14, width=48, heads=3, mlp=80, layers=4, feature_layer=3),
    DecoderShape(width=64, heads=2, mlp=96, layers=2, vocabulary=100),
    frames=3,
    text_tokens=5,
    reductions=_reductions((3, 3), 2, (2, 3, 3), 20),
    reader=ReaderShape(32, 2, 48, 3, queries=4, question_tokens=6, vocabulary=50),
    pooled=("mean", "grid:2", "none"),
)
LINES = make_lines(SMALL)
UNCOUNTED = "kmeans"
"""The compressor whose own products depend on the tokens and are left out of the count."""


def test_one_picture_by_hand() -> None:
    shape = BenchShape(
        "hand", TowerShape(4, 2, 2, 1, 4, 1, 1), DecoderShape(2, 1, 3, 1, 10), frames=1, text_tokens=0, reductions=()
    )
    # 4 patches of 12 numbers; 5 tokens through one layer; 4 tokens through projector and decoder
    found = count_flops(TokenBudget(1, (5,), 4), shape)
    assert found.encoder == 2 * 4 * 12 * 2 + (8 * 5 * 4 + 4 * 25 * 2 + 4 * 5 * 2 * 4)
    assert found.projector == 2 * 4 * 2 * 2 + 2 * 4 * 4
    assert found.prefill == (8 * 4 * 4 + 4 * 16 * 2 + 6 * 4 * 2 * 3) + 2 * 2 * 10
    assert found.total == found.encoder + found.projector + found.prefill


def test_a_decoder_that_compresses_is_counted_layer_by_layer() -> None:
    whole, cut = TokenBudget(3, (37,) * 3, 100), TokenBudget(3, (37,) * 3, 100, 1, 20)
    saved = count_flops(whole, SMALL).prefill - count_flops(cut, SMALL).prefill
    long, short, width, mlp = 105, 25, 64, 96
    layer = lambda n: 8 * n * width**2 + 4 * n * n * width + 6 * n * width * mlp  # noqa: E731
    assert saved == layer(long) - layer(short)


@pytest.mark.parametrize("line", [line for line in LINES if UNCOUNTED not in line.name], ids=lambda line: line.name)
def test_the_formula_is_what_torch_counts(line: Line) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    model = build_model(SMALL, torch.device("cpu"), torch.float32, 0)
    # the counter does not know the fused attention of the CPU
    model.set_attn_implementation("eager")
    layer = int(model.config.vision_feature_layer)
    pixels = torch.randn(SMALL.frames, 3, 84, 84, generator=torch.Generator().manual_seed(0))

    def encode(pixels: torch.Tensor, token_kept_ratio: float = 1.0) -> torch.Tensor:
        found: torch.Tensor = model.model.vision_tower.features(pixels, token_kept_ratio, layer)
        return found

    counted = []
    with torch.inference_mode():
        video = Video(pixels, encode, model.model.multi_modal_projector, SMALL.tower.encoder.grid)
        if isinstance(line, ContextContentLine):
            line.reader.set_attn_implementation("eager")
        with FlopCounterMode(display=False) as counter:
            visual = line.embed(video)
        counted.append(counter.get_total_flops())
        embeds = torch.cat([visual[None], torch.zeros(1, SMALL.text_tokens, 64)], dim=1)
        compression = line.compression(SMALL.frames, SMALL.tower.encoder.patches, embeds.shape[1])
        with FlopCounterMode(display=False) as counter:
            states = share_decoder(model)(inputs_embeds=embeds, compression=compression, use_cache=True)
            model.lm_head(states.last_hidden_state[:, -1:])
        counted.append(counter.get_total_flops())
    flops = count_flops(line.budget(SMALL.frames, SMALL.tower.encoder), SMALL)
    assert [flops.encoder + flops.reader + flops.projector, flops.prefill] == counted


def test_the_large_shape_is_the_released_models() -> None:
    shape = SHAPES["7b"]
    assert shape.tower.encoder.patches == 729
    budgets = {line.name: line.budget(8, shape.tower.encoder) for line in make_lines(shape)}
    assert budgets["none"].visual_tokens == 8 * 729
    assert budgets["merging 0.1"].visual_tokens == 8 * 109
    assert budgets["context + mean"].visual_tokens == 8 * 2
    assert sum(budgets["pool 1/8 from layer 2"].decoder_tokens(32)) == 8 * (2 * 729 + 30 * 91)


def test_the_decoder_of_all_lines_is_the_models_own() -> None:
    model = build_model(SMALL, torch.device("cpu"), torch.float32, 0)
    embeds = torch.randn(1, 12, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        states = share_decoder(model)(inputs_embeds=embeds, use_cache=True).last_hidden_state
        assert torch.equal(model.lm_head(states), model(inputs_embeds=embeds).logits)
