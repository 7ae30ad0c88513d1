from __future__ import annotations

from pathlib import Path

import pytest

from baselines.app.model_lines import parse_lines, write_lines
from baselines.captioning.types import ModelSettings
from vdc.errors import InputError


def test_a_line_is_a_name_and_the_options_of_the_command_line() -> None:
    [plain, other, served] = parse_lines(
        " lab/a \n\nlab/a --compressor 2,8 --fps 2 --frames 9 --dtype float16\n"
        "lab/a\n'with space' --base-url http://h/v1",
        64,
    )
    assert plain.settings == ModelSettings("lab/a", max_new_tokens=64)
    assert other.settings == ModelSettings(
        "lab/a", max_new_tokens=64, compressor="2,8", fps=2.0, frames=9, dtype="float16"
    )
    assert (plain.text, other.text) == ("lab/a", "lab/a --compressor 2,8 --fps 2 --frames 9 --dtype float16")
    assert (served.settings.model, served.base_url) == ("with space", "http://h/v1")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("", "no model", id="nothing"),
        pytest.param("a b", "unrecognized arguments", id="two names"),
        pytest.param("--fps 2", "required", id="no name"),
        pytest.param("a --frames many", "invalid int", id="no number"),
        pytest.param("a --dtype int4", "invalid choice", id="unknown value"),
        pytest.param("a 'b", "No closing quotation", id="open quote"),
        pytest.param("a --base http://h", "unrecognized", id="shortened option"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(text: str, found: str) -> None:
    with pytest.raises(InputError, match=found):
        parse_lines(text, 9)


def test_every_bad_line_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse_lines("a b\nfine\nc --frames x", 9)
    assert len(caught.value.problems) == 2


def test_models_of_the_command_line_become_lines_that_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "my model"
    folder.mkdir()
    lines = write_lines([str(folder), "lab/a --fps 2"], ["--base-url", "http://h/v1"])
    first, second = parse_lines("\n".join(lines), 9)
    assert (first.settings.model, first.base_url) == (str(folder), "http://h/v1")
    assert (second.settings.model, second.settings.fps, second.base_url) == ("lab/a", 2.0, "http://h/v1")
    assert write_lines(["lab/a"], []) == ["lab/a"]
