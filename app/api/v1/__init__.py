"""Version 1 of the API."""

from app.api.prefix_router import Router
from app.api.v1 import auth, campaigns, dead_letters, items, order_events, orders, rates, reports, tasks, users

router = Router(prefix="/v1")
for part in (auth, users, orders, order_events, rates, tasks, reports, campaigns, dead_letters):
    router.include_router(part.router)
# Items come first and have a router of their own: FastAPI tries one router after the other for each request.
routers = (items.router, router)
