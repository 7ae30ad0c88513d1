"""From what the user typed to a checkpoint that can be loaded: a folder, a Hub model, or a released one to convert."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from baselines.captioning.record import hash_folder
from baselines.captioning.released import OwnFamily, convert_release, refuse_released, released_family
from vdc.errors import InputError, MissingExtra, Problem
from vdc.fileio import show_path

Family = Literal["auroracap", "llama_vid", "llavolta", "hub"]
"""The first three are this project's models. ``hub``: any other, through transformers' own pipeline."""

OWN: Final[tuple[OwnFamily, ...]] = get_args(OwnFamily)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that can be loaded.

    Args:
        source: Folder or Hub name.
        family: Which code runs it.
        architecture: Class that its configuration names.
        revision: Hub commit; None for a folder.
        sha256: Of a folder's contents; None for a Hub model, whose commit says the same.
    """

    source: str
    family: Family
    architecture: str
    revision: str | None = None
    sha256: str | None = None

    def facts(self) -> dict[str, Any]:
        """For the run record."""
        return {
            "kind": self.family,
            "architecture": self.architecture,
            "revision": self.revision,
            "sha256": self.sha256,
        }


def find_checkpoint(model: str, revision: str | None = None) -> Checkpoint:
    """Find a model and the code that runs it.

    A Hub model in the layout that AuroraCap, LLaMA-VID, LLaVolta or LLaVA-1.5 was released in is downloaded and
    converted once, into the user's folder.

    Args:
        model: Folder or Hub name.
        revision: Hub branch, tag or commit.

    Raises:
        InputError: Neither, or a folder that holds no model that can be loaded, or a release that lacks a part.
        MissingExtra: transformers is not installed.
    """
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtra("running a model here", "baselines") from error
    path = Path(model)
    if path.exists():
        return _local(path)
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise InputError(
            Problem("no folder", "a model's folder or owner/name of a Hub model", "check the path", show_path(model))
        )
    return _hub(model, revision)


def _local(folder: Path) -> Checkpoint:
    config = read_config(folder)
    released = released_family(config, lambda name: (folder / name).is_file())
    if released is not None:
        raise refuse_released(folder, released)
    return Checkpoint(str(folder), _family(config), _architecture(config), sha256=hash_folder(folder))


def read_config(folder: Path) -> dict[str, Any]:
    """``config.json`` of a checkpoint's folder.

    Raises:
        InputError: It is missing or not JSON.
    """
    path = folder / "config.json"
    expected, do_next = "a checkpoint's folder, with config.json and weights in it", "check --model"
    if not path.is_file():
        what = "a file" if folder.is_file() else "a folder without config.json"
        raise InputError(Problem(what, expected, do_next, show_path(folder)))
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            Problem(f"a config.json that is not JSON ({error})", expected, do_next, show_path(path))
        ) from error
    if not isinstance(config, dict):
        raise InputError(Problem("a config.json that is no object", expected, do_next, show_path(path)))
    return config


def _hub(name: str, revision: str | None) -> Checkpoint:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError as NoSuchFile
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        config_file = Path(hf_hub_download(name, "config.json", revision=revision))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, NoSuchFile, OSError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise InputError(
            Problem(
                f"neither a folder nor a model of the Hub that can be read ({reason})",
                "a model's folder, or owner/name of a Hub model",
                "check the name and the connection; a gated model needs HF_TOKEN",
                name,
            )
        ) from error
    # the cache keeps each commit in a folder of that name
    commit = config_file.parent.name
    config = read_config(config_file.parent)
    released = released_family(config, lambda file: _has_file(name, file, commit))
    if released is None:
        return Checkpoint(name, _family(config), _architecture(config), revision=commit)
    target = convert_release(name, commit, released, config)
    config = read_config(target)
    return Checkpoint(str(target), _family(config), _architecture(config), revision=commit)


def _has_file(name: str, file: str, commit: str) -> bool:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        hf_hub_download(name, file, revision=commit)
    except (EntryNotFoundError, LocalEntryNotFoundError):
        return False
    return True


def _family(config: dict[str, Any]) -> Family:
    kind = config.get("model_type")
    return next((family for family in OWN if family == kind), "hub")


def _architecture(config: dict[str, Any]) -> str:
    names = config.get("architectures")
    return str(names[0]) if isinstance(names, list) and names else str(config.get("model_type"))
