"""Baseline: a FastAPI application with one route that returns the JSON in BODY, without middleware."""

import json
import os

from fastapi import FastAPI

from app.catalog.schemas import ItemView

app = FastAPI()
_item = ItemView.model_validate(json.loads(os.environ["BODY"]))


@app.get("/livez")
async def livez() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/items/{item_id}")
async def get_item(item_id: str) -> ItemView:  # noqa: ARG001 -- the path parameter of the measured route
    return _item
