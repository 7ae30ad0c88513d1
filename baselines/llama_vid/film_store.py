"""A folder that an extraction fills block by block: killed at any moment, it goes on behind the last whole block.

``features.npy`` (half floats, all its room taken from the disk at once, so that a full disk is met at the start),
``progress.json`` (what is extracted, and how far) and, when it is done, ``film.json``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from baselines.common.shards import read_json, write_json
from vdc.errors import InputError, Problem

FEATURES: Final = "features.npy"
FILM: Final = "film.json"
PROGRESS: Final = "progress.json"

_DTYPE: Final = np.dtype("<f2")


class FilmStore:
    """Opened for one plan; a folder that holds the start of another one is refused.

    Args:
        folder: New, empty, or of the same plan.
        plan: What decides the features, plain JSON; ``shape`` is ``[frames, tokens, dim]``.

    Attributes:
        done: Frames written.
        complete: Nothing more will come.

    Raises:
        InputError: The folder holds something else.
    """

    def __init__(self, folder: Path, plan: dict[str, Any]) -> None:
        self.folder = folder
        self._plan = plan
        self.done, self.complete = 0, False
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / PROGRESS).is_file():
            self._resume()
        elif (folder / FILM).exists():
            found = f"{FILM} without {PROGRESS}, so nobody can tell of what"
            raise InputError(Problem(found, "a new or empty folder", "choose another folder", str(folder)))
        else:
            self._begin()

    def append(self, block: NDArray[np.float16]) -> None:
        """Write the next frames ``(frames, tokens, dim)``; they count once they are on the disk."""
        with (self.folder / FEATURES).open("r+b") as file:
            file.seek(self._offset + self.done * self._frame_bytes)
            file.write(np.ascontiguousarray(block, dtype=_DTYPE).tobytes())
            file.flush()
            os.fsync(file.fileno())
        self.done += len(block)
        self._keep()

    def finish(self, inputs: str, times_s: Sequence[float]) -> None:
        """Say that there are no more frames.

        Args:
            inputs: One mark per frame with the subtitles between them.
            times_s: When each frame is shown.
        """
        self.complete = True
        self._keep()
        write_json(self.folder / FILM, {"frames": self.done, "inputs": inputs, "times_s": list(times_s)})

    @property
    def _frame_bytes(self) -> int:
        _, tokens, width = self._plan["shape"]
        return int(tokens) * int(width) * _DTYPE.itemsize

    def _begin(self) -> None:
        frames = int(self._plan["shape"][0])
        header = {"descr": "<f2", "fortran_order": False, "shape": tuple(self._plan["shape"])}
        with (self.folder / FEATURES).open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            self._offset = file.tell()
            room = self._offset + frames * self._frame_bytes
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, room)
            else:
                file.truncate(room)
        self._keep()

    def _resume(self) -> None:
        earlier = read_json(self.folder / PROGRESS)
        self.done, self.complete = int(earlier.pop("done", 0)), bool(earlier.pop("complete", False))
        if earlier != self._plan:
            differing = ", ".join(
                f"{name} {earlier.get(name)!r} and not {self._plan.get(name)!r}"
                for name in sorted(earlier.keys() | self._plan.keys())
                if earlier.get(name) != self._plan.get(name)
            )
            raise InputError(
                Problem(
                    f"another extraction ({differing})",
                    "the start of this one, or an empty folder",
                    "choose another folder, or empty it",
                    str(self.folder),
                )
            )
        with (self.folder / FEATURES).open("rb") as file:
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            self._offset = file.tell()

    def _keep(self) -> None:
        write_json(self.folder / PROGRESS, {**self._plan, "done": self.done, "complete": self.complete})
