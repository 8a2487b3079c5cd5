"""Small words of PromQL. Every selector carries `job="binnacle"`: a chart narrows it there to its own release."""

from typing import Final

JOB: Final = 'job="binnacle"'
BY: Final = "by (namespace, release)"


def select(name: str, *matchers: str) -> str:
    """`name{job="binnacle",...}`; empty matchers are left out."""
    return f"{name}{{{','.join([JOB, *filter(None, matchers)])}}}"


def number(value: float) -> str:
    """A plain decimal: 0.001, 14.4, 300."""
    return f"{value:.9f}".rstrip("0").rstrip(".")


def le(bound: float) -> str:
    """The label of a bucket, written as Prometheus's Python client does: 0.25, 10.0."""
    return f'le="{float(bound)}"'


def equals(label: str, value: str) -> str:
    return f'{label}="{value}"'
