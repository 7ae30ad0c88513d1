"""The event loop that calls run on."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

COLLECT_AFTER: Final = 10_000
"""Objects that may pile up before the garbage collector looks at them while a run is under way.

Python's own 700 is less than one burst of replies makes: it collected every 17 calls and took a tenth of the time.
"""

_lock = threading.Lock()
_runs = 0
_threshold_before = 0


def new_event_loop() -> asyncio.AbstractEventLoop:
    """An event loop: uvloop's where it is installed, because it takes less processor time per call."""
    if sys.platform != "win32":
        try:
            import uvloop
        except ImportError:
            return asyncio.new_event_loop()
        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def run_in_loop(main: Coroutine[Any, Any, None]) -> None:
    """``asyncio.run`` on a loop of :func:`new_event_loop`."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Makes the garbage collector run less often until the last block that asked for it is left."""
    global _runs, _threshold_before
    with _lock:
        first, *rest = gc.get_threshold()
        if _runs == 0:
            _threshold_before = first
            # 0 means that the collector is switched off, and a higher value that somebody knows better
            if 0 < first < COLLECT_AFTER:
                gc.set_threshold(COLLECT_AFTER, *rest)
        _runs += 1
    try:
        yield
    finally:
        with _lock:
            _runs -= 1
            first, *rest = gc.get_threshold()
            if _runs == 0 and first == COLLECT_AFTER:
                gc.set_threshold(_threshold_before, *rest)
