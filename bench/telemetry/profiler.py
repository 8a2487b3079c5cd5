"""Sampling profiler: attributes the CPU time of a running server to functions.

A CPU timer of the kernel fires at its tick (4 ms here). A sample counts for the innermost function of a known
component; time in the standard library counts for its caller. Time in C code, including the event loop's, counts for
the next line of Python.
"""

import signal
import time
from collections import Counter
from pathlib import PurePath
from types import FrameType
from typing import Final

_EVERY_SECONDS: Final = 0.001
_COMPONENTS: Final = (
    "app/telemetry",
    "bench/telemetry",
    "uvicorn",
    "fastapi",
    "starlette",
    "pydantic",
    "structlog",
    "prometheus_client",
    "prometheus_fastapi_instrumentator",
    "opentelemetry",
)
# FastAPI reads OpenTelemetry's context itself, with or without our telemetry.
_LENT: Final = "opentelemetry/context/"
_BORROWERS: Final = ("fastapi", "starlette")
ELSEWHERE: Final = "elsewhere"
OTHER_THREADS: Final = "other threads (the exporter)"


class Profiler:
    """Samples the main thread of its process between `start` and `stop`."""

    def __init__(self) -> None:
        self._samples: Counter[str] = Counter()
        self._main = self._all = 0.0

    def start(self) -> None:
        self._samples.clear()
        self._main, self._all = time.thread_time(), time.process_time()
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)

    def stop(self) -> dict[str, int]:
        """Returns the number of samples in each function, named `component/file.py function`."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        return dict(self._samples)

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        main, everything = time.thread_time(), time.process_time()
        mine = (main - self._main) * 2 >= everything - self._all
        self._main, self._all = main, everything
        self._samples[_place(frame) if mine else OTHER_THREADS] += 1


def _place(frame: FrameType | None) -> str:
    lent = ""
    while frame is not None:
        code = frame.f_code
        path = PurePath(code.co_filename).as_posix()
        for component in _COMPONENTS:
            _, found, rest = path.rpartition(f"/{component}/")
            if not found:
                continue
            place = f"{component}/{rest} {code.co_qualname}"
            if place.startswith(_LENT):
                lent = lent or place
                break
            return lent if lent and component not in _BORROWERS else place
        frame = frame.f_back
    return lent or ELSEWHERE
