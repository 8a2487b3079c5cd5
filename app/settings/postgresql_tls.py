"""Checks the TLS parameters of DATABASE_URL at startup, so that a missing file is found before the first connection."""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_VERSIONS: Final = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
PARAMETERS: Final = (
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslnegotiation"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version"),
)
SYSTEM: Final = "system"  # value of sslrootcert for the system's trust store


def check(named: Mapping[str, str]) -> None:
    """Raises ValueError, whose message has no values, for parameters that are not valid."""
    mode, root = named.get("sslmode"), named.get("sslrootcert")
    if mode is not None and mode not in _MODES:
        raise ValueError(f"sslmode must be one of {', '.join(_MODES)}")
    if root == SYSTEM and mode != "verify-full":
        raise ValueError("sslrootcert=system needs sslmode=verify-full, since public CAs issue certificates to anybody")
    if mode in ("verify-ca", "verify-full") and not root and not _default_root().exists():
        raise ValueError(f"sslmode={mode} needs sslrootcert: the file of the CA's certificates, or system")
    if named.get("sslnegotiation", "postgres") not in ("postgres", "direct"):
        raise ValueError("sslnegotiation must be postgres or direct")
    if named.get("sslnegotiation") == "direct" and mode not in ("require", "verify-ca", "verify-full"):
        raise ValueError("sslnegotiation=direct needs sslmode=require, verify-ca or verify-full")
    for name in ("ssl_min_protocol_version", "ssl_max_protocol_version"):
        if named.get(name, "TLSv1.2") not in _VERSIONS:
            raise ValueError(f"{name} must be one of {', '.join(_VERSIONS)}")
    for name in _FILES:
        path = named.get(name)
        if path and path != SYSTEM and not os.access(path, os.R_OK):
            raise ValueError(f"{name}: the file does not exist, or this user may not read it")
    _load(named)


def _load(named: Mapping[str, str]) -> None:
    """Loads the certificates as each connection does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name in ("sslrootcert", "sslcrl"):
        path = named.get(name)
        if path and path != SYSTEM:
            try:
                context.load_verify_locations(cafile=path)
            except (ssl.SSLError, OSError) as error:
                raise ValueError(f"{name}: the file is not in PEM format, or can't be read") from error
    certificate = named.get("sslcert")
    if bool(certificate) != bool(named.get("sslkey")):
        raise ValueError("sslcert and sslkey: set both or neither")
    if certificate:
        try:
            context.load_cert_chain(certificate, named["sslkey"], lambda: named.get("sslpassword", ""))
        except (ssl.SSLError, OSError) as error:
            raise ValueError("sslcert and sslkey: they do not match, or sslpassword is wrong") from error


def _default_root() -> Path:
    return Path(os.environ.get("PGSSLROOTCERT") or Path("~/.postgresql/root.crt").expanduser())
