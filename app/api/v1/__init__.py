"""Version 1 of the API."""

from fastapi import APIRouter

from app.api.v1 import auth, items, orders, users

router = APIRouter(prefix="/api/v1")
for part in (auth, users, items, orders):
    router.include_router(part.router)
