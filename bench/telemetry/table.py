"""Renders the measurements as Markdown."""

import statistics
from collections import Counter
from collections.abc import Mapping
from typing import Final

from bench.telemetry.profiler import OTHER_THREADS
from bench.telemetry.rounds import Spent
from bench.telemetry.variants import VARIANTS, YARDSTICK

_HEAD = "| variant | µs | spread | of it in other threads | times bare | spans a request | goal | |"
_COMPONENTS: Final = {
    "app/telemetry/": "our telemetry",
    "prometheus": "Prometheus's client",
    "opentelemetry/": "OpenTelemetry",
    OTHER_THREADS: OTHER_THREADS,
    "uvicorn/": "server, with the event loop and the sockets",
    "fastapi/": "framework",
    "starlette/": "framework",
    "pydantic/": "framework",
}
_TELEMETRY: Final = ("our telemetry", "Prometheus's client", "OpenTelemetry")
_LEAST_MICRO: Final = 0.5


def ratio(spent: Mapping[str, Spent], name: str) -> float:
    """Returns the median of the rounds' ratios; each round is compared with the bare route of the same round."""
    pairs = zip(spent[name].micro(), spent[YARDSTICK].micro(), strict=True)
    return statistics.median(one / bare for one, bare in pairs)


def missed(spent: Mapping[str, Spent]) -> list[str]:
    """Returns the names of the variants that exceed their limit."""
    return [name for name in spent if (most := VARIANTS[name].most) is not None and ratio(spent, name) > most]


def table(spent: Mapping[str, Spent], skipped: Mapping[str, str]) -> str:
    """Renders the table; `skipped` maps skipped variants to the reason."""
    rows = [_row(name, spent) for name in spent]
    passed_over = [f"| `{name}` {VARIANTS[name].what} | not measured: {why} |||||||" for name, why in skipped.items()]
    return "\n".join([_HEAD, "|---|--:|--:|--:|--:|--:|--:|---|", *rows, *passed_over])


def _row(name: str, spent: Mapping[str, Spent]) -> str:
    one, most = spent[name], VARIANTS[name].most
    micro = one.micro()
    cells = [
        f"`{name}` {VARIANTS[name].what}",
        f"{statistics.median(micro):.0f}",
        f"{min(micro):.0f}..{max(micro):.0f}",
        f"{one.micro_of_others():.0f}",
        f"{ratio(spent, name):.2f}",
        f"{one.spans_a_request():.2f}" if VARIANTS[name].share else "",
        "" if most is None else f"≤ {most:g}",
        "" if most is None else ("MISSED" if name in missed(spent) else "holds"),
    ]
    return f"| {' | '.join(cells)} |"


def profile_table(name: str, samples: Mapping[str, int], micro: float) -> str:
    """Renders samples in microseconds of a request that takes `micro`: by component, and telemetry by function."""
    scale = micro / sum(samples.values())
    components: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for place, count in samples.items():
        component = next((label for start, label in _COMPONENTS.items() if place.startswith(start)), "the rest")
        components[component] += count
        if component in _TELEMETRY:
            functions[place] += count
    rare = sum(count for count in functions.values() if count * scale < _LEAST_MICRO)
    shown = [(place, count) for place, count in functions.most_common() if count * scale >= _LEAST_MICRO]
    return "\n".join(
        [
            f"| `{name}`: component, of {sum(samples.values())} samples | µs |",
            "|---|--:|",
            *(f"| {place} | {count * scale:.1f} |" for place, count in components.most_common()),
            f"| together | {micro:.1f} |",
            "",
            "| function of telemetry | µs |",
            "|---|--:|",
            *(f"| {place} | {count * scale:.1f} |" for place, count in shown),
            f"| each below {_LEAST_MICRO:g} µs | {rare * scale:.1f} |",
        ]
    )
