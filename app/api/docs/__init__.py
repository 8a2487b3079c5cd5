"""Interactive documentation: /docs to try the API, /redoc to read it. Pages load nothing from other hosts."""

from app.api.docs.pages import router

__all__ = ["router"]
