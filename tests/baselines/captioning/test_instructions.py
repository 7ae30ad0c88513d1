from __future__ import annotations

from pathlib import Path

import pytest

from baselines.captioning.instructions import load_instructions
from vdc.errors import InputError
from vdc.sections import SECTIONS


def test_the_shipped_set_is_the_one_that_records_name() -> None:
    # a changed wording needs a new name, or two records with one name would mean different things
    assert load_instructions("captions-1").sha256 == "43657ace8b21c54e19e7d9eaf9dc01bfbee738d4c2e1d38bd90a46005be6abb4"


def test_seed_picks_the_same_wording_for_every_video_and_counts_in_a_circle() -> None:
    chosen = load_instructions()
    for section in SECTIONS:
        count = len(chosen.wordings[section])
        texts = [chosen.instruction(section, seed) for seed in range(count)]
        assert len(set(texts)) == count
        assert chosen.instruction(section, count) == texts[0]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    lines = ['name = "mine-1"', *(f'{section} = ["say {section}"]' for section in SECTIONS)]
    mine = load_instructions(write(tmp_path / "mine.toml", "\n".join(lines)))
    assert mine.name == "mine-1"
    assert mine.instruction("camera", 7) == "say camera"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("name = ", "not TOML", id="no TOML"),
        pytest.param('name = "x"', "short = None", id="sections missing"),
        pytest.param('name = "x"\nmood = ["a"]', "section 'mood'", id="unknown section"),
        pytest.param('name = "x"\nshort = []', "short = []", id="no wording"),
    ],
)
def test_a_file_of_another_form_is_refused_with_what_is_wrong(tmp_path: Path, text: str, found: str) -> None:
    with pytest.raises(InputError) as caught:
        load_instructions(write(tmp_path / "mine.toml", text))
    assert found in str(caught.value)


def test_an_unknown_name_lists_the_sets_there_are() -> None:
    with pytest.raises(InputError, match="captions-1"):
        load_instructions("captions-9")
