from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdc.llm.types import ChatRequest, Message, Sampling, replace_surrogates

REQUEST = ChatRequest(
    "judge-7b",
    (Message("system", "Be exact."), Message("user", "Is the pot copper?")),
    Sampling(temperature=0.0, max_tokens=64),
    revision="abc",
    json_schema={"type": "object"},
    scope="video-1/short/3",
)


def test_key_never_changes_between_releases() -> None:
    # a new value here would make every user pay for all stored replies again
    assert REQUEST.key() == "5703a86801b55df156aa4924b4bb57aff44694bd"


CHANGES: dict[str, dict[str, Any]] = {
    "model": {"model": "judge-8b"},
    "revision": {"revision": "abd"},
    "no revision": {"revision": None},
    "temperature": {"sampling": Sampling(temperature=0.1, max_tokens=64)},
    "max_tokens": {"sampling": Sampling(max_tokens=65)},
    "top_p": {"sampling": Sampling(max_tokens=64, top_p=0.9)},
    "seed": {"sampling": Sampling(max_tokens=64, seed=1)},
    "no seed": {"sampling": Sampling(max_tokens=64, seed=None)},
    "repeat": {"sampling": Sampling(max_tokens=64, repeat=1)},
    "schema": {"json_schema": {"type": "array"}},
    "no schema": {"json_schema": None},
    "scope": {"scope": "video-1/short/4"},
    "text": {"messages": (Message("system", "Be exact."), Message("user", "Is the pot Copper?"))},
    "role": {"messages": (Message("user", "Be exact."), Message("user", "Is the pot copper?"))},
    "order": {"messages": (Message("user", "Is the pot copper?"), Message("system", "Be exact."))},
    "parts": {"messages": (Message("system", "Be exact."), Message("user", ({"type": "text", "text": "x"},)))},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_field_is_part_of_the_key(change: dict[str, Any]) -> None:
    assert dataclasses.replace(REQUEST, **change).key() != REQUEST.key()


def test_equal_requests_have_equal_keys_however_they_are_spelt() -> None:
    other = dataclasses.replace(
        REQUEST,
        sampling=Sampling(temperature=0, max_tokens=64),
        json_schema=MappingProxyType({"type": "object"}),
    )
    assert other.key() == REQUEST.key()


def test_lone_surrogates_have_a_key_of_their_own() -> None:
    one = ChatRequest("m", (Message("user", "a\ud800b"),))
    other = ChatRequest("m", (Message("user", "a\udfffb"),))
    assert one.key() != other.key()


@given(st.lists(st.tuples(st.text(), st.text()), max_size=4), st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_different_conversations_have_different_keys(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    def key(conversation: list[tuple[str, str]]) -> str:
        return ChatRequest("m", tuple(Message(role, text) for role, text in conversation)).key()

    assert (key(one) == key(other)) == (one == other)


def test_content_cannot_imitate_the_border_between_two_messages() -> None:
    two = ChatRequest("m", (Message("user", "a"), Message("user", "b")))
    one = ChatRequest("m", (Message("user", "a\0user\0text\0b"),))
    assert one.key() != two.key()


@given(st.text(st.characters()))
def test_replacing_surrogates_makes_any_text_encodable_and_changes_no_other(text: str) -> None:
    replaced = replace_surrogates(text)
    replaced.encode()
    assert len(replaced) == len(text)
    assert replaced == "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
