"""What a parity run found, item by item."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["pass", "fail", "not covered", "unchecked"]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing compared.

    Args:
        file: File of the golden folder, or of its manifest.
        name: Tensor, field or part.
        status: ``not covered`` is a part that lives elsewhere, with the reason; ``unchecked`` is one nobody looked at.
        difference: Largest absolute difference; None where nothing is numeric.
        tolerance: What was allowed, for people.
        reason: Why it failed or is not covered; empty otherwise.
    """

    file: str
    name: str
    status: Status
    difference: float | None = None
    tolerance: str = "exact"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ParityReport:
    """Everything one run compared.

    Args:
        model: Name of the model.
        folder: The golden folder as the user gave it.
        items: In the order of the manifest.
    """

    model: str
    folder: str
    items: tuple[Item, ...]

    def count(self, status: Status) -> int:
        """Items of that status."""
        return sum(item.status == status for item in self.items)

    @property
    def passed(self) -> bool:
        """Something was compared, nothing failed and nothing was left unchecked."""
        return self.count("pass") > 0 and not self.count("fail") and not self.count("unchecked")

    def to_dict(self) -> dict[str, Any]:
        """For JSON; infinities as text, because JSON has none."""
        items = [asdict(item) for item in self.items]
        for item in items:
            if item["difference"] is not None and not abs(item["difference"]) < float("inf"):
                item["difference"] = str(item["difference"])
        counts = {status: self.count(status) for status in ("pass", "fail", "not covered", "unchecked")}
        return {"model": self.model, "folder": self.folder, "passed": self.passed, "counts": counts, "items": items}

    def to_text(self) -> str:
        """A table for people: one line per item, then the counts."""
        lines = [f"{'result':<12} {'largest difference':>18}  {'tolerance':<24} item"]
        for item in self.items:
            difference = "" if item.difference is None else f"{item.difference:.3g}"
            reason = f"  ({item.reason})" if item.reason else ""
            lines.append(f"{item.status:<12} {difference:>18}  {item.tolerance:<24} {item.file}: {item.name}{reason}")
        lines.append(
            f"{self.model}: {self.count('pass')} pass, {self.count('fail')} fail, "
            f"{self.count('not covered')} not covered, {self.count('unchecked')} unchecked"
        )
        return "\n".join(lines)
