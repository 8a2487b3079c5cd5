"""Version 2 of the API: the endpoints that differ from version 1."""

from app.api.v2 import items

routers = (items.router,)
