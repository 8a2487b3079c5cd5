"""Endpoint of tasks: the state of a background job."""

from uuid import UUID

from fastapi import APIRouter

from app.api.contract.responses import refused
from app.api.dependencies import AppServices, Caller
from app.tasks.schemas import TaskView

router = APIRouter(prefix="/tasks", tags=["tasks"])


@router.get("/{task_id:uuid}", summary="Get a task", responses=refused(401, 404))
async def get_task(task_id: UUID, caller: Caller, services: AppServices) -> TaskView:
    """Returns the state of one of the caller's tasks. `result` is the path of its result, once there is one."""
    return await services.tasks.get(caller, task_id)
