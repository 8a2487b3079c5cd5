"""Edge of the API: guards that check every request before routing, and headers of every response.

`middleware` calls the guards in order and appends the headers in one pass. Each guard has its own file.
"""

from app.api.edge.install import install

__all__ = ["install"]
