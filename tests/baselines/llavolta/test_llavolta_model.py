"""The whole model at toy size: rows do not influence each other, caches change nothing, stride 1 is plain LLaVA."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from transformers import DynamicCache, LlavaConfig, LlavaForConditionalGeneration

from baselines.common.constants import IMAGE_PLACEHOLDER as PICTURE
from baselines.llavolta.setting import NO_COMPRESSION, Compression
from baselines.llavolta.toy import toy_config, toy_model
from vdc.errors import InputError

ROWS = ([1, 20, PICTURE, 30, 31, 32], [1, 40, 41], [1, PICTURE, 50, PICTURE, 51])
"""One picture, none, two."""
COUNTS = (1, 0, 2)
SETTINGS = [
    pytest.param(Compression(0, 4), id="layer 0"),
    pytest.param(Compression(1, 4), id="layer 1"),
    pytest.param(Compression(3, 5), id="last layer, stride that does not divide"),
    pytest.param(Compression(2, 16), id="one token left"),
    pytest.param(Compression(-1, 4), id="before the decoder"),
    pytest.param(Compression(4, 4), id="never reached"),
    pytest.param(NO_COMPRESSION, id="none"),
]


def pictures_of(row: int, pixels: Any) -> Any:
    start = sum(COUNTS[:row])
    return pixels[start : start + COUNTS[row]]


def batch(*, left: bool) -> tuple[Any, Any]:
    longest = max(len(row) for row in ROWS)
    ids, mask = torch.zeros(len(ROWS), longest, dtype=torch.long), torch.zeros(len(ROWS), longest, dtype=torch.long)
    for index, row in enumerate(ROWS):
        place = slice(longest - len(row), None) if left else slice(0, len(row))
        ids[index, place], mask[index, place] = torch.tensor(row), 1
    return ids, mask


def generate(model: Any, ids: Any, **options: Any) -> Any:
    made = model.generate(ids, do_sample=False, max_new_tokens=6, eos_token_id=None, **options)
    return made[:, ids.shape[1] :]


@torch.no_grad()
def uncached(model: Any, row: list[int], pixels: Any, setting: Compression, count: int = 6) -> list[int]:
    ids = list(row)
    for _ in range(count):
        logits = model(torch.tensor([ids]), pixels if len(pixels) else None, compression=setting).logits
        ids.append(int(logits[0, -1].argmax()))
    return ids[len(row) :]


@pytest.mark.parametrize("setting", SETTINGS)
def test_mixed_rows_of_a_batch_equal_the_rows_alone(toy: Any, pixels: Any, setting: Compression) -> None:
    # The published code drops text-only rows and pools others at the wrong place.
    ids, mask = batch(left=False)
    labels = ids.masked_fill((ids == PICTURE) | (mask == 0), -100)
    with torch.no_grad():
        together = toy(ids, pixels[:3], attention_mask=mask, labels=labels, compression=setting)
        losses = []
        for index, row in enumerate(ROWS):
            one = torch.tensor([row])
            pictures = pictures_of(index, pixels)
            targets = one.masked_fill(one == PICTURE, -100)
            alone = toy(one, pictures if len(pictures) else None, labels=targets, compression=setting)
            length = alone.logits.shape[1]
            torch.testing.assert_close(together.logits[index, :length], alone.logits[0], atol=1e-4, rtol=1e-4)
            supervised = int((alone.labels[:, 1:] != -100).sum())
            losses.append((float(alone.loss) * supervised, supervised))
    total = sum(loss for loss, _ in losses) / sum(count for _, count in losses)
    assert float(together.loss) == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("left", [True, False], ids=["left", "right"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_padded_generation_with_a_cache_equals_rows_alone_without(
    toy: Any, pixels: Any, setting: Compression, left: bool
) -> None:
    ids, mask = batch(left=left)
    made = generate(toy, ids, pixel_values=pixels[:3], attention_mask=mask, compression=setting)
    for index, row in enumerate(ROWS):
        assert made[index].tolist() == uncached(toy, row, pictures_of(index, pixels), setting), f"row {index}"


@pytest.mark.parametrize("setting", SETTINGS[:3])
def test_beam_search_of_a_batch_equals_that_of_its_rows(toy: Any, pixels: Any, setting: Compression) -> None:
    ids, mask = batch(left=True)
    options = {"num_beams": 3, "compression": setting}
    made = generate(toy, ids, pixel_values=pixels[:3], attention_mask=mask, **options)
    for index, row in enumerate(ROWS):
        pictures = pictures_of(index, pixels)
        alone = generate(toy, torch.tensor([row]), pixel_values=pictures if len(pictures) else None, **options)
        assert made[index].tolist() == alone[0].tolist()


def test_several_answers_to_one_prompt_are_sampled_from_the_same_distribution(toy: Any, pixels: Any) -> None:
    ids = torch.tensor([ROWS[0]])
    made = toy.generate(
        ids,
        pixel_values=pixels[:1],
        compression=Compression(1, 4),
        num_return_sequences=3,
        do_sample=True,
        top_k=1,
        max_new_tokens=4,
        eos_token_id=None,
    )
    assert made.shape == (3, ids.shape[1] + 4)
    assert made[1].tolist() == made[0].tolist() == made[2].tolist()


def test_each_layer_caches_what_it_saw(toy: Any, pixels: Any) -> None:
    output = toy(torch.tensor([ROWS[0]]), pixels[:1], compression=Compression(2, 4), use_cache=True)
    assert [output.past_key_values.get_seq_length(layer) for layer in range(4)] == [21, 21, 9, 9]
    assert output.past_key_values.get_seq_length() == 21


@pytest.mark.parametrize("layer", [0, 1, 3])
def test_steps_without_position_ids_continue_after_the_uncompressed_prompt(toy: Any, pixels: Any, layer: int) -> None:
    setting = Compression(layer, 4)
    ids = torch.tensor([ROWS[0]])
    with torch.no_grad():
        first = toy(ids, pixels[:1], compression=setting, use_cache=True)
        step = toy(torch.tensor([[60, 61]]), past_key_values=first.past_key_values, compression=setting)
        whole = toy(torch.tensor([[*ROWS[0], 60, 61]]), pixels[:1], compression=setting)
    torch.testing.assert_close(step.logits, whole.logits[:, -2:], atol=1e-4, rtol=1e-4)


def test_stride_one_is_plain_llava_to_the_bit(toy: Any, pixels: Any) -> None:
    config = LlavaConfig(
        vision_config=toy.config.vision_config.to_dict(),
        text_config=toy.config.text_config.to_dict(),
        image_token_index=319,
    )
    plain = LlavaForConditionalGeneration(config).eval()
    plain.load_state_dict(toy.state_dict())
    row = ROWS[0]
    expanded = [token for given in row for token in ([319] * 16 if given == PICTURE else [given])]
    with torch.no_grad():
        theirs = plain(input_ids=torch.tensor([expanded]), pixel_values=pixels[:1]).logits
        for setting in (Compression(2, 1), NO_COMPRESSION, Compression(4, 8)):
            assert torch.equal(toy(torch.tensor([row]), pixels[:1], compression=setting).logits, theirs)


@pytest.mark.parametrize("layer", [0, 2])
def test_attentions_and_hidden_states_have_the_length_each_layer_saw(toy: Any, pixels: Any, layer: int) -> None:
    # The published code crashes when attentions are asked for.
    toy.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            output = toy(
                torch.tensor([ROWS[0]]),
                pixels[:1],
                compression=Compression(layer, 4),
                output_attentions=True,
                output_hidden_states=True,
            )
    finally:
        toy.set_attn_implementation("sdpa")
    lengths = [21] * layer + [9] * (4 - layer)
    assert [attention.shape[-1] for attention in output.attentions] == lengths
    assert [state.shape[1] for state in output.hidden_states[1:]] == lengths


@pytest.mark.parametrize(
    "pictures",
    [
        pytest.param(lambda p: p[:3], id="one stack"),
        pytest.param(lambda p: [p[0], p[1], p[2]], id="a list of pictures"),
        pytest.param(lambda p: torch.stack([p[0], p[5], p[1], p[2]]), id="a dummy for the row without picture"),
        pytest.param(lambda p: [p[:1], None, p[1:3]], id="a stack for each row"),
        pytest.param(lambda p: [p[0], None, p[1:3]], id="pictures and stacks"),
        pytest.param(
            lambda p: torch.stack([p[[0, 5]], p[[5, 5]], p[[1, 2]]]), id="rows of equally many, more than are shown"
        ),
    ],
)
def test_every_form_of_pictures_gives_the_same(toy: Any, pixels: Any, pictures: Any) -> None:
    ids, mask = batch(left=False)
    with torch.no_grad():
        expected = toy(ids, pixels[:3], attention_mask=mask, compression=Compression(1, 4)).logits
        given = toy(ids, pictures(pixels), attention_mask=mask, compression=Compression(1, 4)).logits
    assert torch.equal(given, expected)


def test_every_layer_below_the_compressor_and_the_projector_gets_a_gradient(toy: Any, pixels: Any) -> None:
    ids, mask = batch(left=False)
    labels = ids.masked_fill((ids == PICTURE) | (mask == 0), -100)
    toy.zero_grad()
    toy(ids, pixels[:3], attention_mask=mask, labels=labels, compression=Compression(2, 8)).loss.backward()
    decoder = toy.model.language_model
    for parameter in (
        toy.model.multi_modal_projector.linear_1.weight,
        decoder.layers[0].self_attn.q_proj.weight,
        decoder.layers[3].mlp.up_proj.weight,
    ):
        assert float(parameter.grad.abs().sum()) > 0
    toy.zero_grad()


def test_gradient_checkpointing_changes_no_gradient(pixels: Any) -> None:
    model = toy_model().train()
    ids = torch.tensor([ROWS[0]])

    def gradient() -> Any:
        model.zero_grad()
        model(
            ids, pixels[:1], labels=ids.masked_fill(ids == PICTURE, -100), compression=Compression(2, 4)
        ).loss.backward()
        return model.model.language_model.layers[0].mlp.up_proj.weight.grad.clone()

    plain = gradient()
    model.activation_checkpointing_enable()
    torch.testing.assert_close(gradient(), plain)


def test_text_only_batch_in_training_touches_the_projector(pixels: Any) -> None:
    model = toy_model().train()
    ids = torch.tensor([ROWS[1]])
    model(ids, pixels[:1], labels=ids).loss.backward()
    assert model.model.multi_modal_projector.linear_1.weight.grad is not None


def test_training_rows_are_cut_and_prompts_are_not(pixels: Any) -> None:
    config = toy_config()
    config.max_sequence_length = 12
    model = toy_model(config)
    ids = torch.tensor([ROWS[0]])
    assert model(ids, pixels[:1], labels=ids.clone()).logits.shape[1] == 12
    assert model(ids, pixels[:1]).logits.shape[1] == 21


def test_settings_of_the_configuration_hold_where_a_call_names_none(pixels: Any) -> None:
    setting = Compression(1, 8)
    model, plain = toy_model(toy_config(compression=setting)), toy_model()
    ids = torch.tensor([ROWS[0]])
    with torch.no_grad():
        assert torch.equal(model(ids, pixels[:1]).logits, plain(ids, pixels[:1], compression=setting).logits)
    assert model(ids, pixels[:1]).logits.shape[1] == 7


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"use_cache": False}, "use_cache"),
        ({"cache_implementation": "static"}, "static"),
        ({"past_key_values": DynamicCache()}, "past_key_values"),
    ],
    ids=["no cache", "static cache", "foreign cache"],
)
def test_generation_refuses_caches_that_cannot_hold_layers_of_two_lengths(
    toy: Any, pixels: Any, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(InputError, match=word):
        toy.generate(torch.tensor([ROWS[0]]), pixel_values=pixels[:1], max_new_tokens=2, **options)


def test_a_pass_refuses_a_foreign_cache_only_where_it_compresses(toy: Any, pixels: Any) -> None:
    ids = torch.tensor([ROWS[0]])
    with pytest.raises(InputError, match="CompressedCache"):
        toy(ids, pixels[:1], compression=Compression(1, 4), past_key_values=DynamicCache())
    assert toy(ids, pixels[:1], past_key_values=DynamicCache()).logits.shape[1] == 21


@pytest.mark.parametrize(
    ("pictures", "word"),
    [
        pytest.param(lambda p: None, "no pictures", id="none"),
        pytest.param(lambda p: p[:2], "2 pictures", id="too few"),
        pytest.param(lambda p: p[:6], "6 pictures", id="too many to tell whose"),
        pytest.param(lambda p: [p[:1], None, p[1:2]], "row 2", id="a row lacks one"),
        pytest.param(lambda p: p[0], "shape", id="no batch"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(toy: Any, pixels: Any, pictures: Any, word: str) -> None:
    ids, mask = batch(left=False)
    with pytest.raises(InputError, match=word):
        toy(ids, pictures(pixels), attention_mask=mask)


def test_saved_and_loaded_model_answers_the_same(toy: Any, pixels: Any, tmp_path: Any) -> None:
    from transformers import AutoModelForImageTextToText

    import baselines.llavolta  # noqa: F401

    toy.save_pretrained(tmp_path)
    loaded = AutoModelForImageTextToText.from_pretrained(tmp_path)
    ids = torch.tensor([ROWS[0]])
    with torch.no_grad():
        assert torch.equal(loaded(ids, pixels[:1]).logits, toy(ids, pixels[:1]).logits)
