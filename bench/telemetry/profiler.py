"""Where the CPU time of a running server goes, by sampling: every few milliseconds of CPU, which function is it in?

The kernel's timer of CPU time fires at its tick (4 ms here), whoever runs. A sample belongs to the innermost function
of a component that we tell apart; what the standard library does is its caller's. Time in C, the event loop's own
included, is seen by Python at the next line that it runs, and counts there.
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
# The framework reads OpenTelemetry's context for itself, with or without telemetry of ours.
_LENT: Final = "opentelemetry/context/"
_BORROWERS: Final = ("fastapi", "starlette")
ELSEWHERE: Final = "elsewhere"
OTHER_THREADS: Final = "other threads (the exporter)"


class Profiler:
    """Samples between `start` and `stop`, in the main thread of its process."""

    def __init__(self) -> None:
        self._samples: Counter[str] = Counter()
        self._main = self._all = 0.0

    def start(self) -> None:
        self._samples.clear()
        self._main, self._all = time.thread_time(), time.process_time()
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)

    def stop(self) -> dict[str, int]:
        """How many samples fell into each function, named `component/file.py function`."""
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
