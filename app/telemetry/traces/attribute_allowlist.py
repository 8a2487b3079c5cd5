"""Allowlist of span attributes; all others are removed before a span leaves the process.

The message and the stack of an exception may hold what a user typed: a span carries its type alone, and the log has
the rest under the same trace id.
"""

from collections.abc import Mapping
from typing import Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue

# Names: https://opentelemetry.io/docs/specs/semconv/
ALLOWED: Final = frozenset(
    {
        "binnacle.job.outcome",
        "client.address",
        "client.port",
        "db.collection.name",
        "db.namespace",
        "db.operation.batch.size",
        "db.operation.name",
        "db.query.summary",
        "db.query.text",
        "db.response.status_code",
        "db.system.name",
        "error.type",
        "exception.escaped",
        "exception.type",
        "http.request.method",
        "http.request.method_original",
        "http.response.status_code",
        "http.route",
        "messaging.client.id",
        "messaging.destination.name",
        "messaging.destination.template",
        "messaging.message.id",
        "messaging.operation.name",
        "messaging.operation.type",
        "messaging.system",
        "network.local.address",
        "network.local.port",
        "network.peer.address",
        "network.peer.port",
        "network.protocol.name",
        "network.protocol.version",
        "network.transport",
        "server.address",
        "server.port",
        "url.full",
        "url.path",
        "url.scheme",
        "url.template",
    }
)


def only_allowed(span: ReadableSpan) -> ReadableSpan:
    """Returns the span itself, or a copy without other attributes and without the description of its status."""
    attributes = span.attributes or {}
    if not span.events and not span.status.description and ALLOWED.issuperset(attributes):
        return span
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_only_allowed(attributes),
        events=[Event(event.name, _only_allowed(event.attributes or {}), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _only_allowed(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {name: value for name, value in attributes.items() if name in ALLOWED}
