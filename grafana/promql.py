"""Builders of PromQL. Every selector has `job="binnacle"`, which the chart extends to match its own release."""

from typing import Final

JOB: Final = 'job="binnacle"'
BY: Final = "by (namespace, release)"
BY_TARGET: Final = "by (namespace, release, target)"
BY_COMPONENT: Final = "by (namespace, release, component)"
BY_POD: Final = "by (namespace, release, component, pod)"


def select(name: str, *matchers: str) -> str:
    """Builds the selector `name{job="binnacle",...}`, without the matchers that are empty."""
    return f"{name}{{{','.join([JOB, *filter(None, matchers)])}}}"


def number(value: float) -> str:
    """Formats a value as a plain decimal: 0.001, 14.4, 300."""
    return f"{value:.9f}".rstrip("0").rstrip(".")


def le(bound: float) -> str:
    """Builds the `le` matcher of a bucket, formatted like Prometheus's Python client: 0.25, 10.0."""
    return f'le="{float(bound)}"'


def equals(label: str, value: str) -> str:
    return f'{label}="{value}"'
