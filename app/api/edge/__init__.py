"""Edge of the API: guards that check every request before routing, and headers of every response."""

from app.api.edge.middleware import install

__all__ = ["install"]
