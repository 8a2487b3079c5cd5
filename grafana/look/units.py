"""Grafana's units as people read them."""

from typing import Final

# Suffix of each unit after a number with an SI prefix, such as 20 ms or 1.5 k req/s.
SUFFIXES: Final = {
    "none": "",
    "s": "s",
    "bytes": "B",
    "reqps": " req/s",
    "ops": "/s",
    "cps": "/s",
    "percentunit": "%",
}
_PREFIXES: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"))
_DURATIONS: Final = ((86400, "d"), (3600, "h"), (60, "min"))


def text(value: float | None, unit: str) -> str:
    """Formats a value with three significant digits. Raises KeyError for a unit that no board uses."""
    suffix = SUFFIXES[unit]
    if value is None:
        return "no data"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s" and abs(value) >= _DURATIONS[-1][0]:
        seconds, name = next((seconds, name) for seconds, name in _DURATIONS if abs(value) >= seconds)
        return f"{value / seconds:.3g} {name}"
    if value == 0:
        return f"0 {suffix}".strip()
    size, prefix = next(((size, prefix) for size, prefix in _PREFIXES if abs(value) >= size), _PREFIXES[-1])
    if unit == "none" and size < 1:
        return f"{value:.3g}"
    return f"{value / size:.3g} {prefix}{suffix}".strip()
