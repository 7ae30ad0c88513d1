"""``vdc config``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from vdc.settings import API_KEYS, SETTINGS, api_key, home, lookup


def config(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show every setting, its value and where it came from.

    Example: vdc config --json
    """
    found = {setting.name: lookup(setting.name) for setting in SETTINGS}
    key_state = "set" if api_key() else "not set"
    if as_json:
        rows = {name: {"value": value.value, "source": value.source} for name, value in found.items()}
        typer.echo(json.dumps({"home": str(home()), "api_key": key_state, "settings": rows}, indent=2))
        return
    typer.echo(f"user folder  {home()}")
    typer.echo(f"service key  {key_state} ({' or '.join(API_KEYS)})")
    for setting in SETTINGS:
        value = found[setting.name]
        typer.echo(f"{setting.name:<12} {value.value or '-':<28} {value.source:<26} {setting.help}")
