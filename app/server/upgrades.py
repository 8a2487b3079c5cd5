"""Upgrades from HTTP/1.1: only WebSocket handshakes; any other `Upgrade` is ignored (RFC 9110, 7.8)."""

import base64
import binascii
from collections import Counter
from collections.abc import Sequence
from typing import Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_KEY_BYTES: Final = 16


class UpgradeProtocol(HttpToolsProtocol):
    """Serves a request with an unsupported `Upgrade` as if it had none.

    httptools drops the body of such a request, since it expects data of the other protocol after the head. uvicorn
    neither answers nor closes an invalid WebSocket handshake. So the head is parsed again without its `Upgrade`.
    """

    _head_to_repeat: bytes | None = None

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        rest: bytes | None = data
        while rest is not None:
            rest = self._parse(rest)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT" and not self._should_upgrade():
            self._head_to_repeat = self._head_without_upgrade()
            return
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self._head_to_repeat is None:
            super().on_message_complete()

    def _should_upgrade(self) -> bool:
        idle = getattr(self.cycle, "response_complete", True)  # otherwise a response would follow the handshake
        method, version = self.parser.get_method(), self.parser.get_http_version()
        return idle and method == b"GET" and version == "1.1" and is_websocket_handshake(self.headers)

    def _parse(self, data: bytes) -> bytes | None:
        """Parses data, and returns the bytes that must be parsed again, if any."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._head_to_repeat is not None:
                head, self._head_to_repeat = self._head_to_repeat, None
                return head + data[upgrade.args[0] :]
            if self._should_upgrade():
                self.handle_websocket_upgrade()
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        return None

    def _head_without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join(lines) + b"\r\n\r\n"


def is_websocket_handshake(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Tests whether header fields, with names in lower case, are a WebSocket handshake (RFC 6455, 4.2.1)."""
    fields = dict(headers)
    once = Counter(name for name, _ in headers if name.startswith(b"sec-websocket-") or name == b"upgrade")
    return (
        once[b"upgrade"] == once[b"sec-websocket-key"] == once[b"sec-websocket-version"] == 1
        and fields[b"upgrade"].lower() == b"websocket"
        and fields[b"sec-websocket-version"] == b"13"
        and _is_key(fields[b"sec-websocket-key"])
    )


def _is_key(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False
