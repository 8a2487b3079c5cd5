"""ASGI layer that records the metrics, the access line and the server span of a request."""
