"""The event loop that calls run on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any


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
