"""Parses the TLS parameters of REDIS_URL. Certificates are verified unless the URL disables that."""

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
    """Returns keyword arguments for redis-py's SSLConnection; None without TLS.

    Raises ValueError, whose message has no values, also for files that can't be loaded.
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
    """Parses a boolean as redis-py does. Raises ValueError, whose message has the name of the parameter."""
    if value.lower() not in _BOOLEANS:
        raise ValueError(f"{name} must be true or false")
    return _BOOLEANS[value.lower()]


def _cert_reqs(value: str) -> str:
    """Accepts the spelling of redis-py (`required`), and that of Python's ssl, Celery and Heroku (`CERT_REQUIRED`)."""
    word = value.lower().removeprefix("cert_")
    if word not in ("required", "optional", "none"):
        raise ValueError("ssl_cert_reqs must be required, optional or none")
    return word


def _load(options: Mapping[str, Any]) -> None:
    """Loads the files as a connection does, so that a wrong file fails at startup instead of at each command."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if "ssl_ca_certs" in options:
        try:
            context.load_verify_locations(options["ssl_ca_certs"])
        except (OSError, ValueError) as error:
            raise ValueError(f"the certificates of ssl_ca_certs can't be read: {_reason(error)}") from None
    if "ssl_certfile" not in options:
        return
    try:
        # Without a password argument, OpenSSL would prompt on the terminal.
        context.load_cert_chain(options["ssl_certfile"], options["ssl_keyfile"], options.get("ssl_password", ""))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"the certificate of ssl_certfile and the key of ssl_keyfile can't be used: {_reason(error)}"
        ) from None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not in PEM format, or a wrong ssl_password"
    return getattr(error, "strerror", None) or "not a path"
