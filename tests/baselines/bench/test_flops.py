from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")

from baselines.bench.flops import count_flops
from baselines.bench.measure import build_model
from baselines.bench.shapes import SHAPES, BenchShape, DecoderShape, TowerShape, _reductions
from baselines.token_reduction.interface import TokenBudget

SMALL = BenchShape(
    "small",
    TowerShape(image_size=84, patch_size=14, width=48, heads=3, mlp=80, layers=4, feature_layer=3),
    DecoderShape(width=64, heads=2, mlp=96, layers=2, vocabulary=100),
    frames=3,
    text_tokens=5,
    reductions=_reductions((3, 3), 2, (2, 3, 3), 20),
)


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


@pytest.mark.parametrize("number", range(len(SMALL.reductions)), ids=[str(name) for name in SMALL.reductions])
def test_the_formula_is_what_torch_counts(number: int) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    reduction = SMALL.make_reductions()[number]
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
        with FlopCounterMode(display=False) as counter:
            visual = reduction.reduce(pixels, encode, SMALL.tower.encoder.grid)
        counted.append(counter.get_total_flops())
        with FlopCounterMode(display=False) as counter:
            visual = model.model.multi_modal_projector(visual)
        counted.append(counter.get_total_flops())
        embeds = torch.cat([visual[None], torch.zeros(1, SMALL.text_tokens, 64)], dim=1)
        with FlopCounterMode(display=False) as counter:
            model(inputs_embeds=embeds, logits_to_keep=1)
        counted.append(counter.get_total_flops())
    flops = count_flops(reduction.budget(SMALL.frames, SMALL.tower.encoder), SMALL)
    assert [flops.encoder, flops.projector, flops.prefill] == counted


def test_the_large_shape_is_the_released_models() -> None:
    shape = SHAPES["7b"]
    assert shape.tower.encoder.patches == 729
    budgets = {made.name: made.budget(8, shape.tower.encoder) for made in shape.make_reductions()}
    assert budgets["none"].visual_tokens == 8 * 729
    assert budgets["merging 0.1"].visual_tokens == 8 * 109
