"""What every request passes before it is routed, and what every answer carries.

One layer (`layer`) asks the guards in order and appends the headers in one pass; each guard is a file of its own.
"""

from app.api.edge.install import install

__all__ = ["install"]
