"""What all three models inherit around their splice."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.common.splice import splice
from baselines.common.spliced_model import prompt_ids, touching
from vdc.errors import InputError

MODELS = ("auroracap", "llama_vid", "llavolta")


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> Any:
    make: Callable[[], Any] = import_module(f"baselines.{request.param}.toy").toy_model
    return make()


def test_embeddings_are_the_decoders_and_can_be_replaced(model: Any) -> None:
    table = model.model.language_model.embed_tokens
    assert model.get_input_embeddings() is table
    assert model.get_output_embeddings() is model.lm_head
    model.resize_token_embeddings(len(table.weight) + 1)
    try:
        assert len(model.get_input_embeddings().weight) == len(model.lm_head.weight) == 321
        assert model(input_ids=torch.tensor([[1, 320]])).logits.shape == (1, 2, 321)
    finally:
        model.resize_token_embeddings(320)


def test_generation_is_known_to_transformers_and_returns_prompt_and_answer(model: Any) -> None:
    assert model.can_generate()
    ids = torch.tensor([[1, 50, 60], [1, 70, 80]])
    made = model.generate(ids, max_new_tokens=2, do_sample=False, return_dict_in_generate=True)
    assert made.sequences[:, :3].tolist() == ids.tolist()
    several = model.generate(ids, max_new_tokens=2, num_beams=2, num_return_sequences=2, do_sample=False)
    assert several[:, :3].tolist() == ids.repeat_interleave(2, dim=0).tolist()


@pytest.mark.parametrize("both", [True, False], ids=["both", "neither"])
def test_a_pass_takes_ids_or_embeddings(model: Any, both: bool) -> None:
    given = {"input_ids": torch.tensor([[1, 2]]), "inputs_embeds": torch.zeros(1, 2, 32)} if both else {}
    with pytest.raises(InputError, match="both or neither of ids and embeddings"):
        model(**given)


def test_labels_give_a_loss_and_only_the_positions_asked_for_get_logits(model: Any) -> None:
    ids = torch.tensor([[1, 50, 60, 70]])
    whole = model(input_ids=ids, labels=ids)
    expected = torch.nn.functional.cross_entropy(whole.logits[0, :-1], ids[0, 1:])
    torch.testing.assert_close(whole.loss, expected)
    torch.testing.assert_close(model(input_ids=ids, logits_to_keep=2).logits, whole.logits[:, -2:])


def test_without_a_prompt_there_is_nothing_to_generate() -> None:
    with pytest.raises(InputError, match="no prompt"):
        prompt_ids(None, None)


def test_parameters_no_row_shows_are_touched_and_change_nothing() -> None:
    unseen = torch.ones(2, 3, requires_grad=True)
    plain = splice(input_ids=torch.tensor([[1, 2]]), visual=[[]], embed=lambda ids: torch.ones(len(ids), 3))
    made = touching(plain, unseen)
    assert torch.equal(made.inputs_embeds, plain.inputs_embeds)
    made.inputs_embeds.sum().backward()
    assert unseen.grad is not None and not unseen.grad.any()
    assert touching(plain, None) is plain
