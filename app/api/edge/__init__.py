"""Edge of the API: guards that check every request before routing, and headers of every response.

`middleware` calls the guards in order and appends the headers in one pass.
"""

from app.api.edge.middleware import install

__all__ = ["install"]
