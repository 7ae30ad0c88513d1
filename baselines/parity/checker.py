"""Compares, and keeps book of what has been looked at, so that nothing passes by being overlooked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from baselines.parity.golden import EXACT, GoldenFolder, Tolerance
from baselines.parity.report import Item, ParityReport
from vdc.errors import InputError, Problem, VdcError

BROKEN = (
    VdcError,
    RuntimeError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    StopIteration,
    OSError,
)
"""What a wrong model or a strange golden file can raise: each becomes a failed item, and the other checks still run."""


class Checker:
    """Collects the items of one run.

    Args:
        golden: The folder.
    """

    def __init__(self, golden: GoldenFolder) -> None:
        self.golden = golden
        self.items: list[Item] = []
        self._seen: set[tuple[str, str]] = set()

    def tensor(self, file: str, name: str, ours: Tensor) -> None:
        """Compare one golden tensor within the manifest's tolerance."""
        theirs = self.golden.tensors(file)[name]
        self._seen.add((file, name))
        exact = not theirs.is_floating_point()
        self.close(file, name, ours, theirs, EXACT if exact else self.golden.tolerance(file, name))

    def close(self, file: str, name: str, ours: Tensor, theirs: Tensor, tolerance: Tolerance) -> None:
        """Compare two tensors."""
        ours = ours.detach().cpu()
        if ours.shape != theirs.shape:
            reason = f"shape {tuple(ours.shape)}, expected {tuple(theirs.shape)}"
            self.items.append(Item(file, name, "fail", None, str(tolerance), reason))
            return
        a, b = ours.double(), theirs.double()
        difference = torch.where(a == b, torch.zeros_like(a), (a - b).abs())  # equal infinities differ by nothing
        passed = bool((difference <= tolerance.atol + tolerance.rtol * b.abs()).all())  # a NaN fails
        largest = float(difference.max()) if difference.numel() else 0.0
        self.items.append(Item(file, name, "pass" if passed else "fail", largest, str(tolerance)))

    def number(self, file: str, name: str, ours: float, theirs: float, tolerance: Tolerance = EXACT) -> None:
        """Compare two numbers."""
        self.close(file, name, torch.tensor(float(ours)).double(), torch.tensor(float(theirs)).double(), tolerance)

    def same(self, file: str, name: str, ours: Any, theirs: Any) -> None:
        """Compare two values that must be equal."""
        equal = ours == theirs
        reason = "" if equal else f"{_short(ours)}, expected {_short(theirs)}"
        self.items.append(Item(file, name, "pass" if equal else "fail", None, "exact", reason))

    def used(self, file: str, *names: str) -> None:
        """Note tensors that serve as input."""
        self._seen.update((file, name) for name in names)

    def not_covered(self, file: str, name: str, reason: str) -> None:
        """Note a part that lives elsewhere."""
        self._seen.add((file, name))
        self.items.append(Item(file, name, "not covered", None, "", reason))

    def fields(self, file: str, label: str, entry: Mapping[str, Any], handled: frozenset[str]) -> None:
        """Report fields of a manifest entry that no check knows."""
        for name in sorted(entry.keys() - handled):
            self.items.append(Item(file, f"{label} {name}".strip(), "unchecked", None, "", "a field no check knows"))

    @contextmanager
    def guarded(self, file: str, name: str) -> Iterator[None]:
        """Turn what a check raises into a failed item."""
        try:
            yield
        except BROKEN as error:
            reason = f"{type(error).__name__}: {_short(error)}"
            self.items.append(Item(file, name, "fail", None, "", reason))

    def integrity(self, file: str) -> None:
        """Compare a file's size, hash and tensor shapes with what the manifest says."""
        entry = self.golden.files[file]
        if not file.endswith("/"):
            self.golden.path(file)  # a file that is not there fails, whether or not the manifest says more about it
        elif not (self.golden.folder / file).is_dir():
            raise InputError(Problem("no folder", "every folder of the manifest", "fetch it again", file))
        if "sha256" in entry:
            self.same(file, "sha256", self.golden.sha256(file), entry["sha256"])
        if "bytes" in entry:
            self.same(file, "bytes", self.golden.path(file).stat().st_size, entry["bytes"])
        if "tensors" in entry:
            shapes = {name: list(tensor.shape) for name, tensor in self.golden.tensors(file).items()}
            # a manifest writes shape and dtype in either order
            listed = {
                name: next((part for part in value if isinstance(part, list)), value)
                for name, value in entry["tensors"].items()
            }
            self.same(file, "tensor shapes", shapes, listed)

    def report(self, model: str) -> ParityReport:
        """Everything found, with every tensor and file that no check touched."""
        checked = {item.file for item in self.items if item.name not in ("sha256", "bytes", "tensor shapes")}
        for file in self.golden.files:
            if file not in checked:
                self.items.append(Item(file, "", "unchecked", None, "", "a file no check knows"))
            elif file.endswith(".safetensors") and (file, "*") not in self._seen:
                with self.guarded(file, "tensors"):
                    for name in self.golden.tensors(file):
                        if (file, name) not in self._seen:
                            self.items.append(Item(file, name, "unchecked", None, "", "a tensor no check knows"))
        for file in self.golden.unlisted:
            self.items.append(Item(file, "", "unchecked", None, "", "a file the manifest does not name"))
        return ParityReport(model, str(self.golden.folder), tuple(self.items))


def parts_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest holds beside single values: those describe the whole folder, as a seed or a version does."""
    return {name: value for name, value in manifest.items() if isinstance(value, (dict, list))}


def without_prose(table: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a manifest that may hold something to check; text describes, and asks for nothing."""
    return {name: value for name, value in table.items() if not isinstance(value, str)}


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 160 else f"{text[:157]}..."
