"""Pages for people: the API to try (/docs) and to read (/redoc). Nothing is loaded from anywhere else."""

from app.api.docs.pages import router

__all__ = ["router"]
