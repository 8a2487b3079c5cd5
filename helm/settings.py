"""Settings of the service as values of the chart: those under `settings`, and the keys of the others."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from app.settings import Settings

START: Final = "  # generated from app/settings: `make generate`\n"
END: Final = "  # end of what is generated\n"

# Settings with another key in the chart, and that key.
ELSEWHERE: Final[Mapping[str, str]] = {
    "environment": "environment",
    "web_concurrency": "api.webConcurrency",
    "worker_concurrency": "worker.concurrency",
    "drain_seconds": "api.drainSeconds",
    "shutdown_seconds": "api.shutdownSeconds",
    "graceful_timeout_seconds": "api.gracefulTimeoutSeconds",
    "allowed_hosts": "api.allowedHosts",
    "trusted_proxies": "api.trustedProxies",
    "admin_token": "adminToken.existingSecret",
    "secret_key": "secretKey.existingSecret",
    "database_url": "database.existingSecret",
    "database_application_url": "database.existingSecret",
    "database_pool_size": "database.poolSize",
    "database_max_overflow": "database.maxOverflow",
    "redis_url": "redis.existingSecret",
    "provider_url": "provider.url",
    "provider_timeout_seconds": "provider.timeoutSeconds",
    "provider_api_key": "provider.apiKey.existingSecret",
    "https_proxy": "proxy.existingSecret",
    "mail_password": "mail.password.existingSecret",
    "mail_api_key": "mail.apiKey.existingSecret",
    "sentry_dsn": "sentry.existingSecret",
}
# Settings that the chart doesn't offer, and why.
WITHHELD: Final[Mapping[str, str]] = {
    "host": "the image listens on every address of its pod",
    "port": "a pod has its ports to itself; the Service's own is api.service.port",
    "admin_host": "the image listens on every address of its pod",
    "admin_port": "a pod has its ports to itself",
    "sandbox_host": "the image listens on every address of its pod",
    "sandbox_port": "a pod has its ports to itself",
    "sandbox_database": "the chart mounts its volume there",
    "state_dir": "set by the image, below /tmp, the only writable folder",
    "multiprocess_dir": "below /tmp, the only writable folder",
    "service_name": "the chart sets it to tell the processes apart",
    "version": "set by the image",
    "revision": "set by the image",
}


def offered() -> Iterator[tuple[str, FieldInfo]]:
    """Yields the name and field of each setting under `settings`, in the order of docs/settings.md."""
    for group in _groups():
        yield from _offered(group)


def camel(name: str) -> str:
    """Returns the name of a setting in the values: `rate_limit_reads` is `rateLimitReads`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def block() -> str:
    """Returns the lines of `settings` in values.yaml; those with a default of the service are commented out."""
    lines = []
    for group in _groups():
        title = f"  # {(group.__doc__ or '').rstrip('.')}\n"
        if shown := [_line(name, field) for name, field in _offered(group)]:
            lines.append(title + "".join(shown))
    return START + "\n".join(lines) + END


def narrowed() -> dict[str, Mapping[str, Any]]:
    """Returns the JSON schema of each value under `settings`, by path. A fraction may be a string, for `--set`."""
    properties = Settings.model_json_schema(by_alias=False)["properties"]
    fields = {camel(name): properties[name] for name in properties}
    return {f"settings.{name}": _narrowed(fields[name]) for name, _ in offered()}


def _offered(group: type[BaseSettings]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in group.model_fields.items():
        if name not in ELSEWHERE and name not in WITHHELD:
            yield camel(name), field


def _groups() -> Sequence[type[BaseSettings]]:
    return Settings.__bases__


def _narrowed(field: Mapping[str, Any]) -> Mapping[str, Any]:
    types = [each for each in field.get("anyOf", [field]) if each.get("type") != "null"]
    schema = {key: value for key, value in types[0].items() if key not in ("title", "default", "description")}
    if schema["type"] == "number":
        whole = "0" if schema.get("maximum") == 1 else "[0-9]+"
        return {**schema, "type": ["number", "string"], "pattern": rf"^{whole}\.[0-9]+$"}
    if "pattern" in schema:
        return {**schema, "pattern": f"^$|{schema['pattern']}"}
    return schema


def _line(name: str, field: FieldInfo) -> str:
    about = field.description or ""
    default = field.default if field.default_factory is None else None  # it follows from another setting
    default = "" if default is None else default
    mark = "# " if default not in ("", []) else ""
    return f"  # -- {about[:1].upper()}{about[1:]}\n  {mark}{name}: {_yaml(default)}\n"


def _yaml(default: Any) -> str:
    return default if isinstance(default, str) and default else json.dumps(default)
