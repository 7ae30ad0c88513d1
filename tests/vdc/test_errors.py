"""Messages have three parts; sections are spelled one way."""

from __future__ import annotations

import pytest

from vdc.errors import SHOWN_PROBLEMS, InputError, MissingExtra, Problem
from vdc.sections import SECTIONS, find_section, parse_section


def test_problem_says_where_found_expected_and_do_next() -> None:
    problem = Problem("a list", "an object", "wrap it", "file.jsonl:3")
    assert str(problem) == "file.jsonl:3: found a list; expected an object; do next: wrap it"


def test_input_error_counts_all_problems_and_lists_the_first() -> None:
    problems = [Problem(f"thing {number}", "another", "change it") for number in range(SHOWN_PROBLEMS + 5)]
    text = str(InputError(problems))
    assert text.startswith(f"{SHOWN_PROBLEMS + 5} problems")
    assert "thing 0;" in text
    assert f"thing {SHOWN_PROBLEMS};" not in text
    assert "and 5 more" in text


def test_missing_extra_names_the_install_command() -> None:
    assert "pip install 'vdc-toolkit[baselines]'" in str(MissingExtra("captioning", "baselines"))


@pytest.mark.parametrize(
    ("name", "section"),
    [
        *[(section, section) for section in SECTIONS],
        ("object", "main_object"),
        (" Main_Object ", "main_object"),
        ("camera_test", "camera"),
        ("vdc_short", "short"),
        ("detailed_caption", "detailed"),
    ],
)
def test_section_aliases_are_read(name: str, section: str) -> None:
    assert parse_section(name) == section


@pytest.mark.parametrize("name", ["", "foreground", None, 3])
def test_unknown_section_lists_the_valid_ones(name: object) -> None:
    assert find_section(name) is None
    with pytest.raises(InputError, match="one of short, background, main_object, camera, detailed") as caught:
        parse_section(name)
    assert caught.value.exit_code == 2


def test_a_near_miss_is_named() -> None:
    with pytest.raises(InputError, match="did you mean 'background'"):
        parse_section("backgrund")
