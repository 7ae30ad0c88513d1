"""Names of parameters in the layouts of LLaVA's family."""

from __future__ import annotations

import pytest

from baselines.common.llava_layouts import (
    LLAVA,
    NATIVE,
    OFFICIAL,
    WRITE,
    Prefixes,
    canonical,
    check_layout,
    from_sequential,
    stored,
    to_sequential,
)
from vdc.errors import InputError

NAMES = ("vision.encoder.x", "projector.linear_1.weight", "projector.linear_3.bias", "llm.model.norm", "llm.lm_head.w")


@pytest.mark.parametrize(
    ("layout", "read"),
    [("native", NATIVE), ("llava", LLAVA), ("official", OFFICIAL)],
    ids=["native", "llava", "official"],
)
def test_there_and_back_is_the_same_name(layout: str, read: Prefixes) -> None:
    for name in NAMES:
        assert canonical(stored(name, WRITE[layout], sequential=layout == "official"), read) == name


def test_layers_of_a_projector_are_counted_with_their_activations_or_not() -> None:
    assert [to_sequential(f"linear_{k}.bias") for k in (1, 2, 3)] == ["0.bias", "2.bias", "4.bias"]
    assert to_sequential("linear_1.weight", numbered=False) == "weight"
    assert [from_sequential(rest) for rest in ("weight", "0.weight", "2.bias")] == [
        "linear_1.weight",
        "linear_1.weight",
        "linear_2.bias",
    ]


def test_names_of_no_layout_are_marked_or_refused() -> None:
    assert canonical("audio_tower.x", NATIVE) == "?audio_tower.x"
    with pytest.raises(InputError, match="parameter"):
        stored("audio.x", WRITE["native"], sequential=False)
    with pytest.raises(InputError, match="checkpoint layout"):
        check_layout("natve", ("native", "llava"))
