"""Interactive documentation: Swagger UI at /docs, Redoc at /redoc. The pages load nothing from other hosts."""

from app.api.docs.pages import router

__all__ = ["router"]
