"""The configuration file: everything wrong with it is told at once, by its keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders.benchmark.config import read_config
from vdc.errors import InputError

SOURCE = "sources: [{kind: folder, path: videos, licence: CC0-1.0, origin: mine}]\n"


def write(folder: Path, text: str, name: str = "build.yaml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def problems_of(path: Path) -> list[str]:
    with pytest.raises(InputError) as raised:
        read_config(path)
    return [str(problem) for problem in raised.value.problems]


def test_short_configuration_takes_the_defaults(tmp_path: Path) -> None:
    file = read_config(write(tmp_path, "name: a\n" + SOURCE))
    assert file.config.questions.count == 20
    assert file.resolve(file.config.out) == tmp_path / "build"


def test_toml_says_the_same_as_yaml(tmp_path: Path) -> None:
    toml = 'name = "a"\n[[sources]]\nkind = "folder"\npath = "videos"\nlicence = "CC0-1.0"\norigin = "mine"\n'
    yaml = read_config(write(tmp_path, "name: a\n" + SOURCE))
    assert read_config(write(tmp_path, toml, "build.toml")).config == yaml.config


def test_example_of_the_documentation_is_the_defaults(tmp_path: Path) -> None:
    example = Path(__file__).parents[3] / "examples" / "build_benchmark.yaml"
    short = read_config(write(tmp_path, "name: my-benchmark\n" + SOURCE)).config
    shown = read_config(example).config
    assert shown.model_dump(exclude={"sources"}) == short.model_dump(exclude={"sources"})


def test_all_problems_come_at_once_with_their_keys(tmp_path: Path) -> None:
    text = "name: a b\nclips: {min_s: -1, mx_s: 3}\nsources: [{kind: folder, path: v}, {kind: ftp}]\n"
    told = "\n".join(problems_of(write(tmp_path, text)))
    for part in ("name", "clips.min_s", "did you mean 'max_s'", "sources.0.licence", "sources.0.origin", "'ftp'"):
        assert part in told
    assert told.count("found") >= 6


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("", "a.yaml", "an empty file"),
        ("- 1\n", "a.yaml", "a list"),
        ("name: [", "a.yaml", "no valid YAML"),
        ("name = ", "a.toml", "no valid TOML"),
        ("name: a", "a.json", "ending in '.json'"),
        ("name: a\nsources: []\n", "a.yaml", "sources"),
        ("name: a\nclips: {min_s: 5, max_s: 6}\n" + SOURCE, "a.yaml", "at least twice min_s"),
        ("name: a\nquestions: {count: 3, at_least: 4}\n" + SOURCE, "a.yaml", "at most count"),
        ("name: ../x\n" + SOURCE, "a.yaml", "name"),
        ("name: a\nsources: [{kind: urls, licence: x, origin: y}]\n", "a.yaml", "not both"),
        ("name: a\nsources: [{kind: hub, name: o/s, revision: main, licence: x, origin: y}]\n", "a.yaml", "revision"),
        ("name: !!python/object/apply:os.getcwd []\n", "a.yaml", "no valid YAML"),
    ],
    ids=[
        "empty", "list", "broken yaml", "broken toml", "other kind", "no source", "lengths", "counts", "path as name",
        "no address", "moving revision", "code in yaml",
    ],
)  # fmt: skip
def test_unusable_configuration_is_refused(tmp_path: Path, text: str, name: str, told: str) -> None:
    assert told in "\n".join(problems_of(write(tmp_path, text, name)))
