"""Version 2 of the API: where it differs from version 1."""

from fastapi import APIRouter

from app.api.v2 import items

router = APIRouter(prefix="/api/v2")
router.include_router(items.router)
