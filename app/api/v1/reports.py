"""Endpoints of reports."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from app.api.contract.responses import ID, NOT_MODIFIED, answered, refused
from app.api.dependencies import AppServices, Caller
from app.api.etags import CONDITIONAL, is_current
from app.csv_output import BOM, MEDIA_TYPE, Bom, with_bom
from app.reports.schemas import NewSalesReport
from app.tasks.schemas import TaskView

router = APIRouter(prefix="/reports", tags=["reports"])


@router.post(
    "/sales",
    status_code=202,
    summary="Request a sales report",
    responses=answered(
        202, "Location", links={"get_task": {"path.task_id": ID}, "download_report": {"path.report_id": ID}}
    )
    | refused(401, 429),
)
async def ask_for_sales_report(
    new: NewSalesReport, caller: Caller, services: AppServices, response: Response
) -> TaskView:
    """Requests a report of the caller's sales; of all sales for moderators and administrators.

    The report is generated in the background. Poll the task at Location until it succeeds; its `result` is the path of
    the file.
    """
    task_id = await services.reports.ask(caller, new)
    response.headers["Location"] = f"/api/v1/tasks/{task_id}"
    return await services.tasks.get(caller, task_id)


@router.get(
    "/{report_id:uuid}/download",
    response_class=StreamingResponse,
    openapi_extra=CONDITIONAL,
    summary="Download a report",
    responses=answered(200, "ETag", about="CSV with one line for each item of each paid order", kind="text/csv")
    | answered(304, "ETag", about=NOT_MODIFIED)
    | refused(401, 403, 404, 409, 410),
)
async def download_report(
    report_id: UUID,
    request: Request,
    caller: Caller,
    services: AppServices,
    bom: Bom = False,  # noqa: FBT002 -- a parameter of the query
) -> Response:
    """Returns the file of the caller's report; 409 until it is ready, 410 after it has expired."""
    file = await services.reports.file(caller, report_id)
    tag = f'"{file.digest}{"-bom" if bom else ""}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if is_current(request, tag):
        return Response(status_code=304, headers=headers)
    headers |= {
        "Content-Disposition": f'attachment; filename="{file.name}"',
        "Content-Length": str(file.size + len(BOM) if bom else file.size),
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(with_bom(file.content) if bom else file.content, media_type=MEDIA_TYPE, headers=headers)
