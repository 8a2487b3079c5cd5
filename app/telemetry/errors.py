"""Error reports to Sentry: errors only, captured where they are handled, without personal data."""

from typing import TYPE_CHECKING

import sentry_sdk

from app.telemetry import context

if TYPE_CHECKING:
    from app.settings import Settings


def configure(settings: "Settings", process: str) -> None:
    """Starts reporting when there is a DSN. No integrations: each costs every request something."""
    if settings.sentry_dsn is None:
        return
    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        release=settings.version,
        environment=settings.environment,
        server_name=process,
        default_integrations=False,
        auto_enabling_integrations=False,
        max_breadcrumbs=0,
        include_local_variables=False,
        max_request_body_size="never",
        shutdown_timeout=1,
    )


def capture(error: BaseException, **tags: str) -> None:
    """Reports an error with the trace it belongs to; does nothing without a DSN."""
    if not sentry_sdk.is_initialized():
        return
    with sentry_sdk.new_scope() as scope:
        work = context.current()
        if work is not None:
            scope.set_context("trace", {"trace_id": work.trace_id, "span_id": work.span_id or "0" * 16})
            scope.set_tag("request_id", work.request_id)
        for name, value in tags.items():
            scope.set_tag(name, value)
        scope.capture_exception(error)
