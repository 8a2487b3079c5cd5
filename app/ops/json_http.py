"""JSON requests and responses of the admin port, its authorisation, and its problem details."""

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

LARGEST_BODY_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """Response; `content` is encoded as JSON unless it is bytes."""

    status: HTTPStatus
    content: Mapping[str, object] | bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def send(self, environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode() + b"\n"
        headers = {"Content-Type": self.media_type, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
        start(f"{self.status.value} {self.status.phrase}", list({**headers, **self.headers}.items()))
        return [] if environment.get("REQUEST_METHOD") == "HEAD" else [body]


class RefusedError(Exception):
    """Refusal of a request; `detail` is a sentence for the client."""

    def __init__(self, status: HTTPStatus, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def reply(self) -> Reply:
        content = {"title": self.status.phrase, "status": int(self.status), "detail": self.detail}
        return Reply(self.status, content, "application/problem+json", self.headers)


def authorize(environment: WSGIEnvironment, token: str | None) -> None:
    """Raises RefusedError unless the request has the token. Without ADMIN_TOKEN, every request is refused."""
    if token is None:
        raise RefusedError(
            HTTPStatus.FORBIDDEN,
            "Changes are disabled, since ADMIN_TOKEN is not set. Set ADMIN_TOKEN, or create the file admin_token in"
            " SECRETS_DIR, with the output of: openssl rand -hex 32",
        )
    scheme, _, given = str(environment.get("HTTP_AUTHORIZATION", "")).partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        raise RefusedError(
            HTTPStatus.UNAUTHORIZED,
            "Send the header `Authorization: Bearer …` with the value of ADMIN_TOKEN.",
            WWW_Authenticate='Bearer realm="admin"',
        )
    if not hmac.compare_digest(given.strip().encode("latin-1", "replace"), token.encode()):
        raise RefusedError(
            HTTPStatus.UNAUTHORIZED,
            "The token does not match ADMIN_TOKEN.",
            WWW_Authenticate='Bearer realm="admin", error="invalid_token"',
        )


def body(environment: WSGIEnvironment, example: str) -> dict[str, Any]:
    """Returns the JSON object in the body. Raises RefusedError, whose detail shows `example`, if there is none."""
    media_type = str(environment.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()
    length = str(environment.get("CONTENT_LENGTH") or "")
    if not (length.isascii() and length.isdigit()):
        raise RefusedError(HTTPStatus.LENGTH_REQUIRED, f"Send a body with a Content-Length, such as {example}.")
    if int(length) > LARGEST_BODY_BYTES:
        raise RefusedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The limit is {LARGEST_BODY_BYTES} bytes; send a body such as {example}.",
        )
    if media_type != "application/json":
        raise RefusedError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send `Content-Type: application/json` and a body such as {example}."
        )
    try:
        content = json.loads(environment["wsgi.input"].read(int(length)))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"The body must be a JSON object, such as {example}.")
    return content
