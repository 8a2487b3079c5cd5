"""Adds the edge's middleware to an application."""

from fastapi import FastAPI

from app.api.edge.allowed_hosts import Hosts
from app.api.edge.content_encoding import PlainBodies
from app.api.edge.cors import Cors
from app.api.edge.duplicate_headers import RepeatedFields
from app.api.edge.middleware import GuardLayer, HeaderLayer
from app.api.edge.rate_limits import RateLimits
from app.api.edge.response_headers import ResponseHeaders
from app.api.edge.root_path import Prefix
from app.api.edge.size_limits import BodySize, HeaderSizes, UriSize
from app.settings import Settings


def install(app: FastAPI, settings: Settings, rates: RateLimits, *, largest_body: int) -> None:
    """Adds the middleware. Call it last, since middleware that is added later is further outside."""
    guards = (
        Hosts(settings.allowed_hosts),
        UriSize(),
        HeaderSizes(),
        RepeatedFields(),
        BodySize(largest_body),
        PlainBodies(),
    )
    app.add_middleware(GuardLayer, guards=guards, rates=rates, body_seconds=settings.request_body_seconds)
    if settings.root_path:
        app.add_middleware(Prefix, root_path=settings.root_path)
    if settings.cors_origins:
        app.add_middleware(Cors, origins=settings.cors_origins)
    app.add_middleware(HeaderLayer, headers=ResponseHeaders(encrypted=settings.environment == "production"))
