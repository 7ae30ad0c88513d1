"""Where a setting comes from: flag, environment (``VDC_...``), ``config.toml`` in the user's folder, default.

Keys of services are read from the environment only and never shown.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vdc.errors import InputError, Problem, unknown_name


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Args:
        name: Key in ``config.toml``; the flag is ``--name`` with hyphens.
        environment: Variables that may hold it, the first that is set wins.
        default: Value when nothing else gives one.
        help: One line.
    """

    name: str
    environment: tuple[str, ...]
    default: str | None
    help: str


SETTINGS: tuple[Setting, ...] = (
    Setting("base_url", ("VDC_BASE_URL", "OPENAI_BASE_URL"), None, "Address of the OpenAI-compatible judge server."),
    Setting("model", ("VDC_MODEL",), None, "Judge model as the server names it; default: the one it serves."),
    Setting("judge", ("VDC_JUDGE",), None, "Judge kind; default: openai where an address is set, else lexical."),
    Setting("prompts", ("VDC_PROMPTS",), "vdc-1", "Prompt set."),
    Setting("benchmark", ("VDC_BENCHMARK",), "vdc", "Benchmark: vdc (the published set), sample, or a folder."),
    Setting("concurrency", ("VDC_CONCURRENCY",), "64", "Most calls in flight."),
    Setting("timeout_s", ("VDC_TIMEOUT_S",), "120", "Longest wait for one reply, seconds."),
    Setting("store", ("VDC_STORE",), None, "Reply store; default: replies.sqlite in the user's folder."),
    Setting("bert_vocabulary", ("VDC_BERT_VOCABULARY",), None, "vocab.txt for LLaMA-VID; default: the Hub's."),
    Setting("eva_tower", ("VDC_EVA_TOWER",), None, "eva_vit_g.pth, for LLaMA-VID weights without their tower."),
    Setting("clip_tower", ("VDC_CLIP_TOWER",), None, "Folder or Hub name of LLaVA's CLIP tower; default: the Hub's."),
)

API_KEYS = ("VDC_API_KEY", "OPENAI_API_KEY")


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value and its source: ``flag``, ``environment VDC_X``, ``config.toml`` or ``default``."""

    value: str | None
    source: str


def home() -> Path:
    """The user's folder: ``VDC_HOME``, else ``XDG_DATA_HOME/vdc``, else ``~/.local/share/vdc``. Not created here."""
    if explicit := os.environ.get("VDC_HOME"):
        return Path(explicit)
    if data := os.environ.get("XDG_DATA_HOME"):
        return Path(data) / "vdc"
    return Path.home() / ".local" / "share" / "vdc"


def lookup(name: str, flag: str | float | None = None) -> Value:
    """The value of a setting and where it came from.

    Args:
        name: One of ``SETTINGS``.
        flag: What the command line or caller gave; None when it gave nothing.

    Raises:
        InputError: The configuration file cannot be read or names an unknown setting.
    """
    setting = next(candidate for candidate in SETTINGS if candidate.name == name)
    if flag is not None:
        return Value(str(flag), "flag")
    for variable in setting.environment:
        if value := os.environ.get(variable):
            return Value(value, f"environment {variable}")
    configured = _read_config(home() / "config.toml")
    if name in configured:
        return Value(str(configured[name]), "config.toml")
    return Value(setting.default, "default")


def lookup_number(name: str, flag: float | None = None) -> float:
    """As :func:`lookup` for a positive number.

    Raises:
        InputError: The value is no positive number.
    """
    found = lookup(name, flag)
    try:
        number = float(found.value or "")
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise InputError(
            Problem(
                found=f"{name} = {found.value!r} ({found.source})",
                expected="a positive number",
                do_next=f"correct it where it is set; vdc config shows all settings, default {name} is used when unset",
            )
        )
    return number


def api_key() -> str | None:
    """The judge server's key from the environment, None when there is none."""
    return next((os.environ[name] for name in API_KEYS if os.environ.get(name)), None)


@cache
def _parse_config(path: Path, modified_ns: int) -> dict[str, Any]:
    del modified_ns  # part of the cache key: an edited file is read again
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            Problem(
                f"a file that is not TOML ({error})", 'lines like model = "name"', "correct or remove it", str(path)
            )
        ) from error
    names = [setting.name for setting in SETTINGS]
    unknown = [unknown_name("setting", key, names, str(path)) for key in table if key not in names]
    if unknown:
        raise InputError(unknown)
    return table


def _read_config(path: Path) -> dict[str, Any]:
    try:
        return _parse_config(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return {}
