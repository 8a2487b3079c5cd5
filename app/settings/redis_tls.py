"""Checks the TLS parameters of REDIS_URL. Certificates are verified unless the URL disables that."""

import ssl
from collections.abc import Mapping
from typing import Any


def check_tls(parameters: Mapping[str, Any], *, wanted: bool) -> dict[str, Any] | None:
    """Returns keyword arguments for redis-py's SSLConnection; None without TLS.

    Raises ValueError, whose message has no values, also for files that can't be loaded.
    """
    if not wanted:
        if parameters:
            raise ValueError(f"has {', '.join(parameters)}, which need rediss://")
        return None
    if ("ssl_certfile" in parameters) != ("ssl_keyfile" in parameters):
        raise ValueError("needs both or neither of ssl_certfile and ssl_keyfile")
    _load(parameters)
    return {"ssl_cert_reqs": "required", **parameters}


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
