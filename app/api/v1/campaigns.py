"""Endpoint of campaigns."""

from fastapi import APIRouter, Response

from app.accounts.permissions import Permission
from app.api.contract.responses import ID, answered, refused
from app.api.dependencies import AppServices, Caller, requires
from app.mail.schemas import NewCampaign
from app.tasks.schemas import TaskView

router = APIRouter(prefix="/campaigns", tags=["campaigns"])


@router.post(
    "",
    status_code=202,
    summary="Start a campaign",
    dependencies=[requires(Permission.CAMPAIGNS_SEND)],
    responses=answered(202, "Location", links={"get_task": {"path.task_id": ID}}) | refused(401, 403),
)
async def start_campaign(new: NewCampaign, caller: Caller, services: AppServices, response: Response) -> TaskView:
    """Sends one e-mail to every active account, in the background. For administrators.

    Location is the path of the task. The task ends when every e-mail is sent or has failed; `emails` counts both.
    """
    task_id = await services.campaigns.start(caller.account_id, new)
    response.headers["Location"] = f"/api/v1/tasks/{task_id}"
    return await services.tasks.get(caller, task_id)
