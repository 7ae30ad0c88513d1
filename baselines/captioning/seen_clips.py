"""What a vision tower made of clips, kept so that the next question about a clip does not run the tower again."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from torch import Tensor

KEPT_BYTES: Final = 1 << 30
"""Main memory for kept features; the newest clip stays whatever its size. 7B LLaMA-VID: 0.7 MB a frame."""


class SeenClips:
    """The latest clips by their pixels, in main memory.

    Args:
        encode: Pixels ``(frames, 3, side, side)`` to one tensor per frame, the same for every question.
        kept_bytes: As ``KEPT_BYTES``.
    """

    def __init__(self, encode: Callable[[Tensor], Sequence[Tensor]], kept_bytes: int = KEPT_BYTES) -> None:
        self._encode = encode
        self._kept_bytes = kept_bytes
        self._clips: OrderedDict[bytes, list[Tensor]] = OrderedDict()
        self._lock = threading.Lock()

    def features(self, pixels: Tensor) -> list[Tensor]:
        """One tensor per frame, on the CPU.

        Args:
            pixels: ``(frames, 3, side, side)``, on the CPU.
        """
        with self._lock:  # conversations of several visitors may run at once
            return self._found(pixels)

    def _found(self, pixels: Tensor) -> list[Tensor]:
        key = hashlib.blake2b(pixels.numpy().tobytes(), digest_size=16).digest()
        found = self._clips.get(key)
        if found is None:
            found = self._clips[key] = [frame.cpu() for frame in self._encode(pixels)]
        self._clips.move_to_end(key)
        while len(self._clips) > 1 and self._bytes() > self._kept_bytes:
            self._clips.popitem(last=False)
        return found

    def _bytes(self) -> int:
        return sum(frame.nbytes for frames in self._clips.values() for frame in frames)
