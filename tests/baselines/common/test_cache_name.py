"""The cache that ``generate`` keeps reaches every decoder, whatever the installed transformers calls it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from itertools import pairwise
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from transformers import DynamicCache
from transformers.generation import GenerateDecoderOnlyOutput
from transformers.masking_utils import create_causal_mask
from transformers.modeling_outputs import BaseModelOutputWithPast
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaModel

from baselines.common.cache_name import CACHE_NAME, CACHE_NAMES, cache_of, name_cache, takes_cache
from vdc.errors import InputError

PROMPT = [[1, 50, 60, 50], [1, 70, 80, 70]]
MORE = [[90], [100]]


@pytest.fixture(scope="module", params=("auroracap", "llama_vid", "llavolta"))
def model(request: pytest.FixtureRequest) -> Any:
    make: Callable[[], Any] = import_module(f"baselines.{request.param}.toy").toy_model
    return make()


def generate(model: Any, ids: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        return model.generate(
            ids, max_new_tokens=4, do_sample=False, eos_token_id=None, return_dict_in_generate=True, **options
        )


def passes(model: Any) -> tuple[list[tuple[int, int]], Any]:
    """Positions each pass of the decoder's first layer is given, and those it finds in the cache; and what stops it."""
    seen: list[tuple[int, int]] = []

    def note(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.append((args[0].shape[1], kwargs[CACHE_NAME].get_seq_length(0)))

    return seen, model.model.language_model.layers[0].register_forward_pre_hook(note, with_kwargs=True)


def test_transformers_uses_one_name_everywhere() -> None:
    for asked in (create_causal_mask, LlamaModel.forward, LlamaDecoderLayer.forward):
        names = set(inspect.signature(asked).parameters)
        assert names & set(CACHE_NAMES) == {CACHE_NAME}
    for output in (BaseModelOutputWithPast, GenerateDecoderOnlyOutput):
        assert {field.name for field in fields(output)} & set(CACHE_NAMES) == {CACHE_NAME}


@pytest.mark.parametrize("options", [{}, {"num_beams": 2}], ids=["greedy", "beams"])
def test_later_steps_of_a_generation_feed_one_token_to_a_cache_that_holds_the_rest(model: Any, options: Any) -> None:
    seen, hook = passes(model)
    try:
        made = generate(model, torch.tensor(PROMPT), **options)
    finally:
        hook.remove()
    assert seen == [(4, 0), (1, 4), (1, 5), (1, 6)]
    assert cache_of(made).get_seq_length(0) == 7


def test_drafted_tokens_are_checked_against_the_cache_and_refused_ones_leave_it(model: Any) -> None:
    ids = torch.tensor(PROMPT[:1])
    seen, hook = passes(model)
    try:
        drafted = generate(model, ids, prompt_lookup_num_tokens=2).sequences
    finally:
        hook.remove()
    assert drafted.tolist() == generate(model, ids).sequences.tolist()
    for (fed, found), (_, later) in pairwise(seen):
        assert found < later <= found + fed


@pytest.mark.parametrize("name", CACHE_NAMES)
def test_a_pass_goes_on_from_a_cache_under_either_name(model: Any, name: str) -> None:
    ids, more = torch.tensor(PROMPT), torch.tensor(MORE)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        whole = model(input_ids=torch.cat([ids, more], dim=1)).logits[:, -1:]
        cache = cache_of(model(input_ids=ids, use_cache=True))
        step = model(input_ids=more, **{name: cache})
        assert cache_of(step) is cache
        torch.testing.assert_close(step.logits, whole, atol=1e-5, rtol=1e-5)

        embed = model.get_input_embeddings()
        cache = cache_of(model.model(inputs_embeds=embed(ids), use_cache=True))
        states = model.model(inputs_embeds=embed(more), **{name: cache}).last_hidden_state
        torch.testing.assert_close(model.lm_head(states), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", CACHE_NAMES)
def test_generation_takes_an_own_cache_under_either_name_or_refuses_it(model: Any, name: str) -> None:
    given = DynamicCache()
    if model.config.model_type == "llavolta":
        with pytest.raises(InputError, match=name):
            generate(model, torch.tensor(PROMPT), **{name: given})
        return
    made = generate(model, torch.tensor(PROMPT), **{name: given})
    assert cache_of(made) is given and given.get_seq_length() == 7
    given = DynamicCache()
    embeds = model.get_input_embeddings()(torch.tensor(PROMPT))
    again = model.generate(inputs_embeds=embeds, max_new_tokens=4, do_sample=False, eos_token_id=None, **{name: given})
    assert given.get_seq_length() == 7
    assert again.tolist() == made.sequences[:, 4:].tolist()


def test_signatures_show_the_installed_name_alone(model: Any) -> None:
    for forward in (model.forward, model.model.language_model.forward):
        assert [name for name in inspect.signature(forward).parameters if name in CACHE_NAMES] == [CACHE_NAME]


def test_two_caches_are_refused_and_one_given_twice_is_not() -> None:
    one, other = DynamicCache(), DynamicCache()
    with pytest.raises(InputError, match="two caches"):
        name_cache({"cache": one, "past_key_values": other})
    assert name_cache({"cache": one, "past_key_values": one, "use_cache": True}) == {CACHE_NAME: one, "use_cache": True}
    assert name_cache({"cache": None, "past_key_values": other}, "cache") == {"cache": other}
    assert name_cache({"past_key_values": None}) == {}


def test_arguments_before_and_behind_the_cache_keep_their_places() -> None:
    class Model:
        @takes_cache
        def forward(self, ids: int, cache: Any = None, labels: int = 0, **kwargs: Any) -> tuple[Any, ...]:
            """Everything given."""
            return ids, cache, labels, kwargs

    model = Model()
    assert model.forward(1, "held", 2, more=3) == (1, "held", 2, {"more": 3})
    assert model.forward(1, labels=2, **{CACHE_NAME: "held"}) == (1, "held", 2, {})
    assert list(inspect.signature(model.forward).parameters) == ["ids", CACHE_NAME, "labels", "kwargs"]
    assert model.forward.__doc__ == "Everything given."
