"""The one ASGI layer: a request's metrics, its access line and its server span."""
