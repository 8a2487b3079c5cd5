"""Completes the OpenAPI document: statuses, examples and names that would else be repeated at every operation."""

from app.api.contract.complete import complete, name

__all__ = ["complete", "name"]
