"""Routers that are passed over at once by requests that are not theirs."""

from fastapi import APIRouter
from starlette.routing import Match
from starlette.types import Scope


class Router(APIRouter):
    """A router with a prefix, whose routes are tried only for a path that holds it.

    The framework itself tries every route of every router that comes first, and all again at each level of inclusion:
    with fifty routes that took half the time of a cached GET.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if self.prefix not in scope["path"]:
            return Match.NONE, {}
        return super().matches(scope)
