"""httpx2 on this machine alone: no proxy, and no certificates to read, which take 60 ms of CPU a client."""

import ssl
from typing import Any

import httpx2

# It trusts nobody, so that whoever were asked for TLS with it would be refused.
_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def get(url: str, **options: Any) -> httpx2.Response:
    return httpx2.get(url, verify=_NOBODY, trust_env=False, **options)


def put(url: str, **options: Any) -> httpx2.Response:
    return httpx2.put(url, verify=_NOBODY, trust_env=False, **options)


def client(**options: Any) -> httpx2.Client:
    return httpx2.Client(verify=_NOBODY, trust_env=False, **options)


def async_client(**options: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(verify=_NOBODY, trust_env=False, **options)
