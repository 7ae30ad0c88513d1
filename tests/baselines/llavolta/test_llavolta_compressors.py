"""The compressors beside average pooling: each alone, and all of them inside the whole model."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.common.constants import IMAGE_PLACEHOLDER as PICTURE
from baselines.common.splice import Span
from baselines.llavolta.compressors.choose import Compressor
from baselines.llavolta.compressors.kmeans import cluster
from baselines.llavolta.compressors.learned import LearnedPooling
from baselines.llavolta.compressors.received import last_of_prompt, received_attention
from baselines.llavolta.compressors.selection import drop_at_random, keep_attended
from baselines.llavolta.setting import GROUPINGS, Compression
from baselines.llavolta.settings_files import config_table
from baselines.llavolta.toy import toy_config, toy_model
from vdc.errors import InputError

ROWS = ([1, 20, PICTURE, 30, 31, 32], [1, 40, 41], [1, PICTURE, 50, PICTURE, 51])
"""One picture, none, two."""
COUNTS = (1, 0, 2)
OTHERS = tuple(name for name in GROUPINGS if name not in ("none", "avgpool1d"))
SETTINGS = [
    pytest.param(Compression(layer, stride, name), id=f"{name} layer {layer} stride {stride}")
    for name in OTHERS
    for layer, stride in ((1, 4), (3, 5))
] + [
    pytest.param(Compression(layer, 4, name), id=f"{name} layer {layer} stride 4")
    for name in OTHERS
    if name != "attention"
    for layer in (0, -1)
]


@pytest.fixture(scope="module")
def model() -> Any:
    """A toy with every compressor, whose learned direction is not zero."""
    config = toy_config()
    config.learned_pooling = True
    made = toy_model(config)
    with torch.no_grad():
        made.model.language_model.compressor.direction.normal_(0, 1, generator=torch.Generator().manual_seed(5))
    return made


def pictures_of(row: int, pixels: Any) -> Any:
    start = sum(COUNTS[:row])
    return pixels[start : start + COUNTS[row]] if COUNTS[row] else None


def batch(*, left: bool) -> tuple[Any, Any]:
    longest = max(len(row) for row in ROWS)
    ids, mask = torch.zeros(len(ROWS), longest, dtype=torch.long), torch.zeros(len(ROWS), longest, dtype=torch.long)
    for index, row in enumerate(ROWS):
        place = slice(longest - len(row), None) if left else slice(0, len(row))
        ids[index, place], mask[index, place] = torch.tensor(row), 1
    return ids, mask


@torch.no_grad()
def uncached(model: Any, row: list[int], pictures: Any, setting: Compression, count: int = 4) -> list[int]:
    """Greedy ids by a whole pass for each; labels say where the prompt ends."""
    ids = list(row)
    for _ in range(count):
        labels = torch.tensor([[-100] * len(row) + ids[len(row) :]])
        ids.append(int(model(torch.tensor([ids]), pictures, labels=labels, compression=setting).logits[0, -1].argmax()))
    return ids[len(row) :]


@pytest.mark.parametrize("left", [True, False], ids=["left", "right"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_padded_batch_with_a_cache_equals_rows_alone_without(
    model: Any, pixels: Any, setting: Compression, left: bool
) -> None:
    ids, mask = batch(left=left)
    options = {"do_sample": False, "max_new_tokens": 4, "eos_token_id": None}
    made = model.generate(ids, pixel_values=pixels[:3], attention_mask=mask, compression=setting, **options)
    for index, row in enumerate(ROWS):
        expected = uncached(model, row, pictures_of(index, pixels), setting)
        assert made[index, ids.shape[1] :].tolist() == expected, f"row {index}"


@pytest.mark.parametrize("name", OTHERS)
def test_beam_search_of_a_batch_equals_that_of_its_rows(model: Any, pixels: Any, name: Any) -> None:
    ids, mask = batch(left=True)
    options = {"num_beams": 2, "max_new_tokens": 4, "eos_token_id": None, "compression": Compression(2, 4, name)}
    made = model.generate(ids, pixel_values=pixels[:3], attention_mask=mask, **options)
    for index, row in enumerate(ROWS):
        alone = model.generate(torch.tensor([row]), pixel_values=pictures_of(index, pixels), **options)
        assert made[index, ids.shape[1] :].tolist() == alone[0, len(row) :].tolist()


@pytest.mark.parametrize("setting", SETTINGS)
def test_mixed_batch_in_training_equals_the_rows_alone_and_keeps_as_many_tokens_as_pooling(
    model: Any, pixels: Any, setting: Compression
) -> None:
    ids, mask = batch(left=False)
    labels = ids.masked_fill((ids == PICTURE) | (mask == 0), -100)
    with torch.no_grad():
        together = model(ids, pixels[:3], attention_mask=mask, labels=labels, compression=setting)
        pooled = model(
            ids,
            pixels[:3],
            attention_mask=mask,
            labels=labels,
            compression=Compression(setting.layer, setting.stride),
        )
        assert together.logits.shape == pooled.logits.shape
        assert torch.equal(together.labels, pooled.labels)
        for index, row in enumerate(ROWS):
            one = torch.tensor([row])
            targets = one.masked_fill(one == PICTURE, -100)
            alone = model(one, pictures_of(index, pixels), labels=targets, compression=setting).logits[0]
            torch.testing.assert_close(together.logits[index, : len(alone)], alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["avgpool1d", *OTHERS])
def test_stride_one_changes_no_bit(model: Any, pixels: Any, name: Any) -> None:
    ids = torch.tensor([ROWS[0]])
    with torch.no_grad():
        plain = model(ids, pixels[:1]).logits
        assert torch.equal(model(ids, pixels[:1], compression=Compression(2, 1, name)).logits, plain)
        assert not torch.equal(model(ids, pixels[:1], compression=Compression(2, 2, name)).logits[0, -1], plain[0, -1])


def test_every_compressor_gives_another_answer(model: Any, pixels: Any) -> None:
    ids = torch.tensor([ROWS[0]])
    with torch.no_grad():
        logits = [
            model(ids, pixels[:1], compression=Compression(2, 4, name)).logits[0, -1] for name in ("avgpool1d", *OTHERS)
        ]
    for index, one in enumerate(logits):
        assert not any(torch.allclose(one, other, atol=1e-3) for other in logits[index + 1 :])


@pytest.mark.parametrize("name", OTHERS)
def test_gradient_reaches_what_lies_before_the_compressor(model: Any, pixels: Any, name: Any) -> None:
    ids = torch.tensor([ROWS[0]])
    model.zero_grad()
    model(
        ids, pixels[:1], labels=ids.masked_fill(ids == PICTURE, -100), compression=Compression(2, 4, name)
    ).loss.backward()
    reached = [model.model.multi_modal_projector.linear_1.weight.grad]
    direction = model.model.language_model.compressor.direction.grad
    if name == "learned1d":
        reached.append(direction)
    else:
        assert direction is None
    assert all(float(gradient.abs().sum()) > 0 for gradient in reached)
    model.zero_grad()


def test_random_drop_keeps_the_same_when_answering_and_draws_anew_in_training(pixels: Any) -> None:
    model, ids, setting = toy_model(), torch.tensor([ROWS[0]]), Compression(1, 4, "random")

    def positions() -> list[int]:
        return model(ids, pixels[:1], compression=setting).position_ids[0].tolist()

    assert positions() == positions()
    seeded = positions()
    model.config.compression_seed = 1
    assert positions() != seeded
    model.train()
    assert len({tuple(positions()) for _ in range(8)}) > 1


def test_random_drop_takes_each_token_about_equally_often() -> None:
    counts = torch.zeros(12)
    for seed in range(600):
        counts[drop_at_random(12, 3, seed=seed, device=torch.device("cpu")).indices] += 1
    assert counts.sum() == 1800
    assert bool((counts - 150).abs().max() < 50)


def test_k_means_finds_clusters_that_lie_apart_in_order_of_place() -> None:
    tokens = torch.tensor([[9.0], [0.1], [0.0], [9.1], [5.0], [0.2]])
    found = cluster(tokens, 3)
    assert found.members.tolist() == [0, 1, 1, 0, 2, 1] or found.members.tolist() == [0, 2, 2, 0, 1, 2]
    means = found.states(tokens)[:, 0].tolist()
    assert sorted(means) == pytest.approx([0.1, 5.0, 9.05])
    positions = found.positions(torch.arange(100, 106), "floor").tolist()
    assert positions == sorted(positions)
    assert positions[means.index(pytest.approx(9.05))] == 101  # floor of the mean of 100 and 103


@pytest.mark.parametrize("tokens", [torch.zeros(6, 2), torch.tensor([[0.0], [0.0], [0.0], [0.0], [1.0], [1.0]])])
def test_k_means_leaves_no_cluster_empty_even_among_equal_tokens(tokens: Any) -> None:
    found = cluster(tokens, 4)
    assert set(found.members.tolist()) == {0, 1, 2, 3}
    assert torch.isfinite(found.states(tokens)).all()


def test_as_many_clusters_as_tokens_change_nothing() -> None:
    tokens = torch.randn(7, 3, generator=torch.Generator().manual_seed(2))
    found = cluster(tokens, 7)
    assert found.members.tolist() == list(range(7))
    assert torch.equal(found.states(tokens), tokens)


def test_learned_pooling_starts_as_average_pooling_and_follows_its_direction() -> None:
    pooling, span = LearnedPooling(2), torch.tensor([[1.0, 4.0], [3.0, 0.0], [0.0, 8.0], [2.0, 2.0], [7.0, 7.0]])
    assert pooling(span, 2).states(span).tolist() == [[2.0, 2.0], [1.0, 5.0]]
    with torch.no_grad():
        pooling.direction.copy_(torch.tensor([50.0, 0.0]))
    torch.testing.assert_close(pooling(span, 2).states(span), torch.tensor([[3.0, 0.0], [2.0, 2.0]]))
    assert pooling(span, 2).positions(torch.arange(5), "floor").tolist() == [0, 2]


def test_attention_keeps_what_receives_most_and_earlier_ones_of_equals() -> None:
    received = torch.tensor([0.1, 0.4, 0.1, 0.3, 0.1])
    assert keep_attended(received, 3).indices.tolist() == [0, 1, 3]


def test_attention_received_is_what_the_layer_itself_pays(model: Any, pixels: Any) -> None:
    ids, mask = batch(left=True)
    spliced = model.splice_inputs(ids, pixels[:3], attention_mask=mask, padding_side="left")
    decoder, embeds, real = model.model.language_model, spliced.inputs_embeds, spliced.attention_mask
    queries = torch.tensor([embeds.shape[1] - 1, embeds.shape[1] - 2, 20])
    positions = torch.arange(embeds.shape[1])[None]
    with torch.no_grad():
        ours = received_attention(
            decoder.layers[0], embeds, decoder.rotary_emb(embeds, position_ids=positions), real, queries
        )
        model.set_attn_implementation("eager")
        try:
            theirs = decoder(inputs_embeds=embeds, attention_mask=real, output_attentions=True).attentions[0]
        finally:
            model.set_attn_implementation("sdpa")
    for row, query in enumerate(queries.tolist()):
        torch.testing.assert_close(ours[row], theirs[row, :, query].mean(dim=0), atol=1e-5, rtol=1e-4)


def test_prompt_ends_before_the_first_answer_behind_the_last_picture() -> None:
    spans = [[Span(1, 3)], [Span(0, 2), Span(4, 2)], []]
    labels = torch.full((3, 8), -100)
    labels[0, 6:] = 5
    labels[1, 2:4] = 5  # an answer between two pictures
    labels[1, 7] = 5
    mask = torch.tensor([[1] * 8, [1] * 8, [1] * 5 + [0] * 3])
    assert last_of_prompt(spans, positions=8, attention_mask=mask, labels=labels).tolist() == [5, 6, 4]
    assert last_of_prompt(spans, positions=8, attention_mask=None, labels=None).tolist() == [7, 7, 7]


def test_answers_do_not_choose_what_is_kept(model: Any, pixels: Any) -> None:
    setting = Compression(2, 4, "attention")
    kept = []
    for answer in ([60, 61], [70, 71]):
        ids = torch.tensor([[*ROWS[0], *answer]])
        labels = torch.tensor([[-100] * len(ROWS[0]) + answer])
        kept.append(model(ids, pixels[:1], labels=labels, compression=setting).position_ids[0].tolist())
    assert kept[0] == kept[1]


@pytest.mark.parametrize("layer", [0, -1])
def test_attention_is_refused_where_no_layer_comes_before(layer: int) -> None:
    with pytest.raises(InputError, match="layer before"):
        Compression(layer, 4, "attention")


def test_learned_pooling_without_parameters_is_refused_with_a_reason(toy: Any, pixels: Any) -> None:
    with pytest.raises(InputError, match="learned_pooling=True"):
        toy(torch.tensor([ROWS[0]]), pixels[:1], compression=Compression(1, 4, "learned1d"))


def test_learned_parameters_are_saved_and_a_checkpoint_without_them_starts_as_average_pooling(
    model: Any, toy: Any, pixels: Any, tmp_path: Any
) -> None:
    from baselines.llavolta.convert import convert
    from baselines.llavolta.model import LlavoltaForConditionalGeneration as Llavolta

    ids, setting = torch.tensor([ROWS[0]]), Compression(2, 4, "learned1d")
    model.save_pretrained(tmp_path / "learned")
    convert(convert(tmp_path / "learned", tmp_path / "official", layout="official"), tmp_path / "back")
    toy.save_pretrained(tmp_path / "plain")
    with torch.no_grad():
        expected = model(ids, pixels[:1], compression=setting).logits
        for folder in ("learned", "back"):
            loaded = Llavolta.from_pretrained(tmp_path / folder)
            assert torch.equal(loaded(ids, pixels[:1], compression=setting).logits, expected)
        started = Llavolta.from_pretrained(tmp_path / "plain", learned_pooling=True)
        assert not started.model.language_model.compressor.direction.any()
        torch.testing.assert_close(
            started(ids, pixels[:1], compression=setting).logits,
            toy(ids, pixels[:1], compression=Compression(2, 4)).logits,
        )


def test_layout_of_transformers_llava_cannot_hold_the_learned_parameters(model: Any) -> None:
    with pytest.raises(InputError, match="learned_pooling"):
        config_table(model.config, "llava")


def test_configuration_that_names_learned_pooling_has_its_parameters() -> None:
    assert toy_config(compression=Compression(2, 4, "learned1d")).learned_pooling
    assert not toy_config(compression=Compression(2, 4, "kmeans")).learned_pooling


@pytest.mark.parametrize("name", ["avgpool1d", *(name for name in OTHERS if name != "attention")])
def test_span_shorter_than_the_stride_vanishes_with_every_compressor(name: Any) -> None:
    span = torch.ones(3, 2)
    reduced = Compressor(name, 8, learned=LearnedPooling(2)).reduce(span)
    assert reduced.states(span).shape == (0, 2)
    assert reduced.positions(torch.arange(3), "floor").shape == (0,)
