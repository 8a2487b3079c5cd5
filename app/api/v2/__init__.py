"""Version 2 of the API: where it differs from version 1."""

from app.api.v2 import items

routers = (items.router,)
