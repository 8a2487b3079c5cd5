"""The edge: guards that every request passes before routing, and headers that every response carries.

One layer (`middleware`) calls the guards in order and appends the headers in one pass; each guard is a file of its own.
"""

from app.api.edge.install import install

__all__ = ["install"]
