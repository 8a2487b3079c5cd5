"""TLS of REDIS_URL: certificates are checked unless the URL says otherwise."""

import ssl
from collections.abc import Mapping
from typing import Any, Final

TLS_PARAMETERS: Final = (
    "ssl_cert_reqs",
    "ssl_ca_certs",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_password",
    "ssl_check_hostname",
)
_BOOLEANS: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def read_tls(parameters: Mapping[str, str], *, wanted: bool) -> dict[str, Any] | None:
    """Returns keyword arguments of redis-py's SSLConnection; None when TLS is not `wanted`.

    Raises ValueError with a sentence that repeats names alone, also for files that hold no certificate or key.
    """
    if not wanted:
        if parameters:
            raise ValueError(f"has {', '.join(parameters)}, which need rediss://")
        return None
    options: dict[str, Any] = {**parameters, "ssl_cert_reqs": _cert_reqs(parameters.get("ssl_cert_reqs", "required"))}
    if "ssl_check_hostname" in options:
        options["ssl_check_hostname"] = read_boolean("ssl_check_hostname", options["ssl_check_hostname"])
    if ("ssl_certfile" in options) != ("ssl_keyfile" in options):
        raise ValueError("needs both or neither of ssl_certfile and ssl_keyfile")
    _load(options)
    return options


def read_boolean(name: str, value: str) -> bool:
    """Reads `true` or `false`, as redis-py does. Raises ValueError, which names the parameter."""
    if value.lower() not in _BOOLEANS:
        raise ValueError(f"{name} must be true or false")
    return _BOOLEANS[value.lower()]


def _cert_reqs(value: str) -> str:
    """Reads it as redis-py writes it (`required`) or as Python's ssl, Celery and Heroku do (`CERT_REQUIRED`)."""
    word = value.lower().removeprefix("cert_")
    if word not in ("required", "optional", "none"):
        raise ValueError("ssl_cert_reqs must be required, optional or none")
    return word


def _load(options: Mapping[str, Any]) -> None:
    """Reads the files as a connection will, so that a wrong one refuses the start rather than each command."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if "ssl_ca_certs" in options:
        try:
            context.load_verify_locations(options["ssl_ca_certs"])
        except (OSError, ValueError) as error:
            raise ValueError(f"the certificates of ssl_ca_certs can't be read: {_reason(error)}") from None
    if "ssl_certfile" not in options:
        return
    try:
        # Without the answer OpenSSL would ask on the terminal.
        context.load_cert_chain(options["ssl_certfile"], options["ssl_keyfile"], options.get("ssl_password", ""))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"the certificate of ssl_certfile and the key of ssl_keyfile can't be used: {_reason(error)}"
        ) from None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not in PEM format, or a wrong ssl_password"
    return getattr(error, "strerror", None) or "not a path"
