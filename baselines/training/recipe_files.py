"""Recipes on disk: found by name or path, checked as a whole, changed by ``--set``, hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from baselines.training.recipe import Recipe
from vdc.errors import InputError, Problem, unknown_name
from vdc.fileio import read_bytes, show_path

MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class NamedRecipe:
    """A recipe and its name.

    Args:
        name: ``model/name`` of a bundled one, else the file's name without its ending.
        recipe: What it says, changes included.
    """

    name: str
    recipe: Recipe

    @property
    def sha256(self) -> str:
        """Of everything that it says, whatever the file looks like."""
        text = json.dumps(self.recipe.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def recipe_names() -> list[str]:
    """Bundled recipes, by model and name."""
    folder = files("baselines.training").joinpath("recipes")
    return sorted(
        f"{model.name}/{entry.name.removesuffix('.yaml')}"
        for model in folder.iterdir()
        if model.is_dir()
        for entry in model.iterdir()
        if entry.name.endswith(".yaml")
    )


def load_recipe(given: str, changes: Sequence[str] = ()) -> NamedRecipe:
    """A recipe by name or from a file.

    Args:
        given: Name of a bundled recipe (``llavolta/4stage-tune``), or a YAML file.
        changes: ``key=value`` or ``group.key=value``, the value as YAML.

    Raises:
        InputError: No such recipe; no YAML; or every key and value that is wrong, with the closest that is right.
    """
    name, table, where = _find(given)
    for change in changes:
        _set(table, change)
    try:
        return NamedRecipe(name, Recipe.model_validate(table))
    except ValidationError as error:
        raise InputError([_problem(dict(fault), where) for fault in error.errors(include_url=False)]) from error


def _find(given: str) -> tuple[str, dict[str, Any], str]:
    path = Path(given)
    if path.suffix.lower() in (".yaml", ".yml"):
        shown = show_path(given)
        return path.stem, _parse(read_bytes(path, max_bytes=MAX_BYTES).data, shown), shown
    names = recipe_names()
    if given not in names:
        raise InputError(unknown_name("recipe", given, names))
    source = files("baselines.training").joinpath("recipes", *f"{given}.yaml".split("/"))
    return given, _parse(source.read_bytes(), given), given


def _parse(data: bytes, where: str) -> dict[str, Any]:
    import yaml  # type: ignore[import-untyped,unused-ignore]

    try:
        table = yaml.safe_load(data)
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        words = " ".join(str(error).split())[:300]
        raise InputError(Problem(f"no valid YAML ({words})", "YAML", "correct it there", where)) from error
    if not isinstance(table, dict):
        found = "an empty file" if table is None else f"a {type(table).__name__}"
        raise InputError(Problem(found, "a recipe: keys such as model and data", "start from a bundled one", where))
    return table


def _set(table: dict[str, Any], change: str) -> None:
    import yaml

    key, equals, text = change.partition("=")
    *groups, last = key.strip().split(".")
    problem = Problem(f"--set {change}", "KEY=VALUE, for example data.workers=0", "correct it")
    if not equals or not last:
        raise InputError(problem)
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(problem) from error
    place = table
    for group in groups:
        if place.get(group) is None:
            place[group] = {}
        place = place[group]
        if not isinstance(place, dict):
            raise InputError(Problem(f"--set {change}", f"a group under {group}", "see vdc train NAME --dry-run"))
    # YAML reads 1e-4 as text, because its numbers need a dot.
    place[last] = _number(value) if isinstance(value, str) else value


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _problem(fault: Mapping[str, Any], where: str) -> Problem:
    place = [str(part) for part in fault["loc"]]
    at = f"{where}: {'.'.join(place)}" if place else where
    if fault["type"] == "extra_forbidden":
        return unknown_name("key", place[-1], _keys_at(place[:-1]), at)
    if fault["type"] == "missing":
        return Problem("nothing", "a value", f"add {place[-1]}", at)
    expected = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    found = "these settings" if isinstance(fault.get("input"), dict) else repr(fault.get("input"))
    return Problem(found, expected, "correct it", at)


def _keys_at(place: Sequence[str]) -> list[str]:
    """Keys that a group may have; groups in lists and optional groups included."""
    fields = Recipe.model_fields
    for part in place:
        if part.isdigit() or part not in fields:
            continue
        inner = _model_in(fields[part].annotation)
        if inner is not None:
            fields = inner.model_fields
    return list(fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
