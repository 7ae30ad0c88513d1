"""The whole model: what goes beyond the published code, as properties at toy size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

import torch

from baselines.auroracap.toy import toy_config, toy_model
from baselines.common.constants import IMAGE_PLACEHOLDER
from vdc.errors import InputError

HOLE = IMAGE_PLACEHOLDER
GREEDY = {"do_sample": False, "max_new_tokens": 8}


def frames(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(1, count, 3, 56, 56, generator=torch.Generator().manual_seed(seed))


PROMPTS = [[1, 50, HOLE, 7, HOLE, 7, HOLE, 60, 61], [1, 50, HOLE, 62], [1, 90, 91, 92, 93, 94, 95]]
COUNTS = [3, 1, 0]


def batch(side: str) -> dict[str, torch.Tensor]:
    """Three rows: three frames, one frame, text alone."""
    longest = max(len(prompt) for prompt in PROMPTS)
    ids = torch.zeros(3, longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    pixels = torch.zeros(3, 3, 3, 56, 56)
    for row, (prompt, count) in enumerate(zip(PROMPTS, COUNTS, strict=True)):
        place = slice(longest - len(prompt), longest) if side == "left" else slice(0, len(prompt))
        ids[row, place] = torch.tensor(prompt)
        mask[row, place] = 1
        pixels[row, :count] = frames(3, seed=row)[0, :count]
    return {"input_ids": ids, "attention_mask": mask, "pixel_values": pixels, "frame_counts": torch.tensor(COUNTS)}


@pytest.mark.parametrize("slow_fast", [False, True], ids=["plain", "slow-fast"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_generates_what_its_rows_generate_alone(toy: Any, side: str, slow_fast: bool) -> None:
    options = {"token_kept_ratio": 0.5, "slow_fast": slow_fast, **GREEDY}
    together = toy.generate(**batch(side), **options)[:, len(PROMPTS[0]) :]
    answers = []
    for row, (prompt, count) in enumerate(zip(PROMPTS, COUNTS, strict=True)):
        pixels = frames(3, seed=row)[:, :count] if count else None
        alone = toy.generate(torch.tensor([prompt]), pixel_values=pixels, **options)[:, len(prompt) :]
        answers.append(alone[0].tolist())
        assert together[row, : alone.shape[1]].tolist() == alone[0].tolist()
    assert len({tuple(answer) for answer in answers}) > 1  # the toy does look at its input


def test_cached_generation_equals_uncached(toy: Any) -> None:
    inputs = {"input_ids": torch.tensor([PROMPTS[0]]), "pixel_values": frames(3), "token_kept_ratio": 0.5}
    cached = toy.generate(**inputs, **GREEDY, use_cache=True)
    assert torch.equal(cached, toy.generate(**inputs, **GREEDY, use_cache=False))


def test_beams_and_sampled_copies_keep_their_prompts(toy: Any) -> None:
    inputs = {**batch("left"), "token_kept_ratio": 0.5, "max_new_tokens": 3}
    beams = toy.generate(**inputs, num_beams=2, num_return_sequences=2, do_sample=False)
    assert torch.equal(beams[:, : len(PROMPTS[0])], inputs["input_ids"].repeat_interleave(2, dim=0))
    detailed = toy.generate(**inputs, do_sample=False, return_dict_in_generate=True)
    assert torch.equal(detailed.sequences[:, : len(PROMPTS[0])], inputs["input_ids"])


def test_padding_on_either_side_gives_the_same_logits(toy: Any) -> None:
    with torch.no_grad():
        left, right = (toy(**batch(side), token_kept_ratio=0.5).logits for side in ("left", "right"))
    assert torch.allclose(left, right, atol=1e-5)


def test_the_ratio_of_a_call_decides_and_nothing_is_left_behind(toy: Any) -> None:
    ids = torch.tensor([PROMPTS[0]])
    lengths = {}
    for ratio in (1.0, 0.5, 1.0):
        spliced = toy.splice_inputs(ids, frames(3), token_kept_ratio=ratio, slow_fast=False)
        lengths.setdefault(ratio, []).append(spliced.inputs_embeds.shape[1])
    assert lengths == {1.0: [6 + 3 * 16] * 2, 0.5: [6 + 3 * 10]}
    slow = toy.splice_inputs(ids, frames(3), token_kept_ratio=0.5, slow_fast=True)
    assert [span.length for span in slow.spans[0]] == [16, 10, 10]
    default = toy.splice_inputs(ids, frames(3))  # the configuration's 0.2: trunc(16 * 0.8 / 4) = 3 a layer
    assert [span.length for span in default.spans[0]] == [7, 7, 7]


def test_slow_fast_with_one_frame_merges_it(toy: Any) -> None:
    spliced = toy.splice_inputs(torch.tensor([PROMPTS[1]]), frames(1), token_kept_ratio=0.5, slow_fast=True)
    assert spliced.spans[0][0].length == 10


def test_surplus_placeholders_vanish_with_a_warning_and_surplus_frames_are_not_encoded(
    toy: Any, caplog: pytest.LogCaptureFixture
) -> None:
    two = toy.splice_inputs(torch.tensor([PROMPTS[0]]), frames(3)[:, :2], token_kept_ratio=0.5)
    assert two.dropped_placeholders == 1
    assert "1 placeholders have no frame" in caplog.text
    one = toy.splice_inputs(torch.tensor([PROMPTS[1]]), frames(3), token_kept_ratio=0.5)
    alone = toy.splice_inputs(torch.tensor([PROMPTS[1]]), frames(3)[:, :1], token_kept_ratio=0.5)
    assert torch.equal(one.inputs_embeds, alone.inputs_embeds)


def test_loss_is_the_mean_over_supervised_tokens_and_gradients_reach_every_part() -> None:
    model = toy_model(seed=3)
    ids = torch.tensor([[1, HOLE, 50, 51, 52], [1, 60, 61, 62, 63]])
    labels = torch.tensor([[-100, -100, -100, 51, 52], [-100, -100, 61, 62, 63]])
    pixels = torch.cat([frames(1), torch.zeros(1, 1, 3, 56, 56)])
    mask = torch.ones_like(ids)
    output = model(ids, pixels, attention_mask=mask, labels=labels, token_kept_ratio=0.5)
    spliced = model.splice_inputs(ids, pixels, attention_mask=mask, labels=labels, token_kept_ratio=0.5)
    target = spliced.labels[:, 1:]
    by_hand = torch.nn.functional.cross_entropy(output.logits[:, :-1][target != -100], target[target != -100])
    assert output.loss.item() == pytest.approx(by_hand.item(), abs=1e-5)
    output.loss.backward()
    for part in (model.model.vision_tower, model.model.multi_modal_projector, model.model.language_model):
        assert any(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in part.parameters())


def test_gradient_checkpointing_changes_no_gradient() -> None:
    inputs = {"input_ids": torch.tensor([[1, HOLE, 50, 51]]), "pixel_values": frames(1), "token_kept_ratio": 0.5}
    gradients = []
    for checkpointing in (False, True):
        model = toy_model().train()
        if checkpointing:
            model.activation_checkpointing_enable()
        model(**inputs, labels=torch.tensor([[-100, -100, 50, 51]]), use_cache=False).loss.backward()
        gradients.append([weight.grad for weight in model.parameters() if weight.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 0
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*gradients, strict=True))


def test_a_training_step_of_text_alone_touches_the_projector() -> None:
    model = toy_model().train()
    ids = torch.tensor([[1, 50, 51]])
    model(ids, torch.zeros(1, 1, 3, 56, 56), labels=ids).loss.backward()
    gradient = model.model.multi_modal_projector.get_submodule("linear_1").weight.grad
    assert gradient is not None
    assert not gradient.any()


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_can_be_switched(toy: Any, tmp_path: Path, attention: str) -> None:
    from baselines.auroracap.load import load_model

    toy.save_pretrained(tmp_path)
    model = load_model(tmp_path, attention=attention)  # type: ignore[arg-type]
    assert model.model.vision_tower.config._attn_implementation == attention
    inputs = {"input_ids": torch.tensor([PROMPTS[0]]), "pixel_values": frames(3), "token_kept_ratio": 0.5}
    with torch.no_grad():
        assert torch.allclose(model(**inputs).logits, toy(**inputs).logits, atol=1e-4)


def test_saving_and_loading_through_the_auto_classes_keeps_every_bit(toy: Any, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForImageTextToText

    toy.save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path).model_type == "auroracap"
    loaded = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert type(loaded) is type(toy)
    mine, theirs = toy.state_dict(), loaded.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)


@pytest.mark.parametrize("bits", [4, 8])
def test_quantised_loading_leaves_the_tower_alone(tmp_path: Path, bits: int) -> None:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes (the quantization extra) is not installed")
    from baselines.auroracap.load import load_model

    toy_model(toy_config(width=64)).save_pretrained(tmp_path)  # 4-bit kernels work on blocks of 64
    model = load_model(tmp_path, bits=bits, dtype=torch.float32)  # type: ignore[arg-type]
    kinds = {name: type(module).__name__ for name, module in model.named_modules()}
    quantised = {name for name, kind in kinds.items() if kind in ("Linear4bit", "Linear8bitLt")}
    assert quantised
    assert all("language_model" in name for name in quantised)
    made = model.generate(torch.tensor([PROMPTS[0]]), pixel_values=frames(3), max_new_tokens=2, do_sample=False)
    assert made.shape[1] == len(PROMPTS[0]) + 2


def test_bits_that_do_not_exist_are_refused() -> None:
    from baselines.auroracap.load import quantisation

    with pytest.raises(InputError, match="3 bits"):
        quantisation(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda model: model(None), id="no-ids"),
        pytest.param(lambda model: model.generate(), id="no-prompt"),
        pytest.param(lambda model: model(torch.tensor([[1, HOLE]]), frames(1), token_kept_ratio=-1.0), id="ratio"),
        pytest.param(lambda model: model(torch.tensor([[1, HOLE]]), torch.zeros(2, 1, 3, 56, 56)), id="batch-size"),
        pytest.param(lambda model: model(torch.tensor([[1, HOLE]]), torch.zeros(3, 56, 56)), id="no-batch"),
    ],
)
def test_input_that_does_not_fit_is_refused(toy: Any, call: Any) -> None:
    with pytest.raises(InputError, match="expected"):
        call(toy)
