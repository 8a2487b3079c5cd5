"""Table of the measured variants."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from bench.telemetry.applications import Application, bare, contrib, instrumentator, ours, wrapped


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to serve the route.

    `share` of the requests is sampled; each of these creates `each` spans. `line`: each request writes an access line.
    `most`: largest allowed ratio to the bare route; None for no limit. `peer`: it is not our telemetry. `module`:
    required module; the variant is skipped without it.
    """

    what: str
    build: Callable[[str], Application]
    share: float = 0.0
    each: int = 1
    line: bool = False
    most: float | None = None
    peer: bool = False
    module: str | None = None

    def missing(self) -> str | None:
        """Returns the reason why it can't be measured here, or None."""
        if self.module is not None and find_spec(self.module) is None:
            return f"{self.module} is not installed: run it by `make bench-telemetry`"
        return None


VARIANTS: Final[Mapping[str, Variant]] = {
    "bare": Variant("bare FastAPI route", bare),
    "wrapper": Variant("+ an ASGI layer that does nothing", wrapped),
    "layer": Variant("our layer: request id, trace context, work context", ours(counted=False)),
    "metrics": Variant("+ metrics", ours()),
    "line": Variant("+ access line", ours(), line=True),
    "all-0": Variant("all, 0 % sampled", ours(ratio=0.0), line=True),
    "all-10": Variant("all, 10 % sampled", ours(ratio=0.1), 0.1, line=True, most=1.45),
    "all-100": Variant("all, 100 % sampled", ours(ratio=1.0), 1, line=True, most=3.0),
    "instrumentator": Variant(
        "prometheus-fastapi-instrumentator, metrics alone",
        instrumentator,
        peer=True,
        module="prometheus_fastapi_instrumentator",
    ),
    "readme-10": Variant("contrib as its README says, 10 % sampled, spans alone", contrib(0.1), 0.1, 3, peer=True),
    "readme-100": Variant("contrib as its README says, 100 % sampled, spans alone", contrib(1.0), 1, 3, peer=True),
}
YARDSTICK: Final = "bare"
