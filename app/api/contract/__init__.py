"""The OpenAPI document: adds statuses, headers and examples that every operation would otherwise repeat."""

from app.api.contract.complete import complete, name

__all__ = ["complete", "name"]
