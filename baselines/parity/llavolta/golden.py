"""The golden folder of LLaVolta: one manifest lists files, and one beside each file says what is in it."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from baselines.common.shards import read_json
from baselines.parity.golden import EXACT, GoldenFolder, Tolerance
from vdc.errors import InputError, Problem

_NUMBER = r"(\d*\.?\d+(?:[eE][-+]?\d+)?)"


class LlavoltaGolden(GoldenFolder):
    """As :class:`GoldenFolder`, with a list of files and a manifest per file."""

    def _file_table(self) -> dict[str, dict[str, Any]]:
        listed = self.manifest.get("files")
        if not isinstance(listed, list) or not all(isinstance(entry, dict) and "file" in entry for entry in listed):
            raise InputError(
                Problem(
                    "a manifest without a list of files",
                    '"files": [{"file": "name", ...}, ...]',
                    "give a golden folder of LLaVolta",
                    str(self.folder / self.manifest_name),
                )
            )
        return {str(entry["file"]): self._entry(entry) for entry in listed}

    def _entry(self, entry: dict[str, Any]) -> dict[str, Any]:
        manifest = entry.get("manifest")
        inner = read_json(self.folder / str(manifest)) if manifest else {}
        tensors = inner.get("tensors")
        if isinstance(tensors, dict):
            inner["tensors"] = {name: [value["shape"], value.get("dtype")] for name, value in tensors.items()}
        return inner | {key: value for key, value in entry.items() if value is not None}

    @cached_property
    def unlisted(self) -> tuple[str, ...]:
        """Files that neither manifest names."""
        named = {str(entry.get("manifest")) for entry in self.files.values()}
        return tuple(name for name in super().unlisted if name not in named)

    def tolerance(self, name: str, tensor: str) -> Tolerance:
        """What the manifests allow for one tensor.

        A key of a tolerance table is a word of the tensor's name or the beginning of one: ``logits`` holds for
        ``K1_s8.logits_tail``, ``all`` for everything. A file that says nothing about a kind of tensor gets the
        strictest of what other files allow for it.
        """
        own = _granted(self.files[name].get("tolerance"), tensor)
        if own is not None:
            return own
        others = [_granted(entry.get("tolerance"), tensor) for entry in self.files.values()]
        found = [tolerance for tolerance in others if tolerance is not None]
        return min(found, key=lambda tolerance: (tolerance.atol, tolerance.rtol), default=EXACT)


def _granted(table: Any, tensor: str) -> Tolerance | None:
    if not isinstance(table, dict):
        return _parsed(table) if table is not None else None
    if tensor in table:
        return _parsed(table[tensor])
    words = tensor.split(".")
    for key, value in table.items():
        if any(word == key or word.startswith(f"{key}_") for word in words):
            return _parsed(value)
    return _parsed(table["all"]) if "all" in table else None


def _parsed(value: Any) -> Tolerance:
    """``atol 1e-4, rtol 1e-4`` with any words around it, or a table of the two; a number alone; the rest is exact."""
    if isinstance(value, (int, float)):
        return Tolerance(float(value))
    if isinstance(value, dict):
        return Tolerance(**{key: float(value[key]) for key in ("atol", "rtol") if key in value})
    parts = {key: re.search(rf"{key}\s*[=:]?\s*{_NUMBER}", str(value)) for key in ("atol", "rtol")}
    alone = re.match(rf"\s*{_NUMBER}\b", str(value))
    if alone and not any(parts.values()):
        return Tolerance(float(alone[1]))
    return Tolerance(**{key: float(found[1]) for key, found in parts.items() if found})
