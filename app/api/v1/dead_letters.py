"""Endpoints of dead letters: jobs that failed too often and wait for an administrator."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.accounts.permissions import Permission
from app.api.contract.responses import ID, answered, refused
from app.api.dependencies import AppServices, Caller, requires
from app.tasks.schemas import DeadLetterPage, DeadLetterQuery, TaskView

router = APIRouter(
    prefix="/dead-letters",
    tags=["tasks"],
    dependencies=[requires(Permission.JOBS_MANAGE)],
    responses=refused(401, 403),
)


@router.get(
    "",
    summary="List dead letters",
    responses=answered(200, links={"redrive_dead_letter": {"path.message_id": "$response.body#/dead_letters/0/id"}}),
)
async def list_dead_letters(query: Annotated[DeadLetterQuery, Query()], services: AppServices) -> DeadLetterPage:
    """Returns one page of dead letters, newest first. For administrators."""
    return await services.dead_letters.page(query)


@router.post(
    "/{message_id:uuid}/redrive",
    status_code=202,
    summary="Redrive a dead letter",
    responses=answered(202, links={"get_task": {"path.task_id": ID}}) | refused(404),
)
async def redrive_dead_letter(message_id: UUID, caller: Caller, services: AppServices) -> TaskView:
    """Queues a dead letter again, with as many attempts as at first. Fix the cause before. For administrators."""
    await services.dead_letters.redrive(message_id)
    return await services.tasks.get(caller, message_id)
