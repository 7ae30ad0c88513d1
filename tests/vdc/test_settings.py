"""Precedence of settings, and what a bad configuration file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from vdc.errors import InputError
from vdc.settings import home, lookup, lookup_number


def test_flag_beats_environment_beats_file_beats_default(isolated_user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (lookup("concurrency").value, lookup("concurrency").source) == ("64", "default")
    (isolated_user / "config.toml").write_text("concurrency = 8\n")
    assert (lookup("concurrency").value, lookup("concurrency").source) == ("8", "config.toml")
    monkeypatch.setenv("VDC_CONCURRENCY", "9")
    assert (lookup("concurrency").value, lookup("concurrency").source) == ("9", "environment VDC_CONCURRENCY")
    assert (lookup("concurrency", 10).value, lookup("concurrency", 10).source) == ("10", "flag")


def test_openai_variable_is_read_after_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://one/v1")
    assert lookup("base_url").source == "environment OPENAI_BASE_URL"
    monkeypatch.setenv("VDC_BASE_URL", "http://two/v1")
    assert lookup("base_url").value == "http://two/v1"


@pytest.mark.parametrize(
    ("text", "found"),
    [("concurency = 8\n", "did you mean 'concurrency'"), ("concurrency == 8\n", "not TOML")],
    ids=["unknown-name", "not-toml"],
)
def test_bad_configuration_file_is_refused(isolated_user: Path, text: str, found: str) -> None:
    (isolated_user / "config.toml").write_text(text)
    with pytest.raises(InputError, match=found):
        lookup("concurrency")


@pytest.mark.parametrize("value", ["many", "0", "-3", "nan", "inf"])
def test_a_number_must_be_positive(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VDC_CONCURRENCY", value)
    with pytest.raises(InputError, match="positive number"):
        lookup_number("concurrency")


def test_user_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VDC_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert home() == Path("/data/vdc")
