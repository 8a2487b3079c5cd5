"""Pages of the documentation and their assets.

Links are relative, so that they work behind a proxy that strips a prefix.
"""

from importlib.resources import files
from typing import Final

import orjson
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response

# Both pages use inline styles, and the search of /redoc runs in a worker from a blob.
_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self' data:; form-action 'none';"
    " frame-ancestors 'none'; img-src 'self' data:; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " worker-src blob:"
)
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="docs/assets/favicon.png">
{styles}
</head>
<body style="margin: 0">
<div id="page"></div>
{scripts}
</body>
</html>
"""
# Package and folder of the assets: fastapi_offline contains Swagger UI and Redoc, our scripts start them.
_THEIRS: Final = ("fastapi_offline", "static")
_OURS: Final = ("app.api.docs", "assets")
_ASSETS: Final = {
    "favicon.png": (_THEIRS, "image/png"),
    "swagger-ui-bundle.js": (_THEIRS, "text/javascript"),
    "swagger-ui.css": (_THEIRS, "text/css"),
    "redoc.standalone.js": (_THEIRS, "text/javascript"),
    "start-swagger.js": (_OURS, "text/javascript"),
    "start-redoc.js": (_OURS, "text/javascript"),
}
_HOUR: Final = {"Cache-Control": "public, max-age=3600"}

router = APIRouter(include_in_schema=False)


@router.get("/")
async def root() -> Response:
    return RedirectResponse("/docs", 307)


@router.get("/openapi.json")
async def contract(request: Request) -> Response:
    return Response(orjson.dumps(request.app.openapi()), media_type="application/json")


@router.get("/docs")
async def docs(request: Request) -> Response:
    title = f"{request.app.title}: try the API"
    return _page(title, ["swagger-ui.css"], ["swagger-ui-bundle.js", "start-swagger.js"])


@router.get("/redoc")
async def redoc(request: Request) -> Response:
    return _page(f"{request.app.title}: read the API", [], ["redoc.standalone.js", "start-redoc.js"])


@router.get("/docs/assets/{name}", response_class=FileResponse)
async def asset(name: str) -> FileResponse:
    if name not in _ASSETS:
        raise HTTPException(404)
    (package, folder), kind = _ASSETS[name]
    return FileResponse(str(files(package).joinpath(folder, name)), media_type=kind, headers=_HOUR)


def _page(title: str, styles: list[str], scripts: list[str]) -> Response:
    content = _PAGE.format(
        title=title,
        styles="\n".join(f'<link rel="stylesheet" href="docs/assets/{name}">' for name in styles),
        scripts="\n".join(f'<script src="docs/assets/{name}"></script>' for name in scripts),
    )
    return Response(content, media_type="text/html", headers={"Content-Security-Policy": _POLICY, **_HOUR})
