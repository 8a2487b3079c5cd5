"""Endpoints of users: the caller's profile, public profiles, and rights, which administrators change."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.accounts.permissions import Permission
from app.accounts.schemas import AccountView
from app.accounts.user_schemas import (
    AccountPage,
    AccountQuery,
    Deletion,
    PasswordChange,
    ProfileChange,
    PublicView,
    Rights,
    RightsChange,
)
from app.api.contract.responses import answered, refused
from app.api.dependencies import AppServices, Caller, ClientAddress, requires

router = APIRouter(prefix="/users", tags=["users"])


@router.get(
    "",
    dependencies=[requires(Permission.USERS_READ)],
    summary="List users",
    responses=answered(200, links={"get_user": {"path.user_id": "$response.body#/users/0/id"}}) | refused(403),
)
async def list_users(query: Annotated[AccountQuery, Query()], services: AppServices) -> AccountPage:
    """Returns one page of users, oldest first. For administrators."""
    return await services.administration.page(query)


@router.get("/me", summary="Get your profile")
async def get_me(caller: Caller, services: AppServices) -> AccountView:
    """Returns the caller's own account."""
    return await services.profiles.own(caller.account_id)


@router.patch("/me", summary="Change your profile", responses=refused(409))
async def change_me(
    change: ProfileChange, caller: Caller, services: AppServices, address: ClientAddress
) -> AccountView:
    """Changes the caller's profile. A new e-mail address requires the password; 409 when the address is taken."""
    return await services.profiles.change(caller.account_id, change, address)


@router.post("/me/password", status_code=204, summary="Change your password")
async def change_password(
    change: PasswordChange, caller: Caller, services: AppServices, address: ClientAddress
) -> None:
    """Changes the caller's password, and ends every login of the account, including this one."""
    await services.profiles.change_password(caller.account_id, change, address)


@router.post("/me/delete", status_code=204, summary="Delete your account", responses=refused(409))
async def delete_me(deletion: Deletion, caller: Caller, services: AppServices, address: ClientAddress) -> None:
    """Anonymises the caller's account permanently; orders are kept. 409 for the last administrator."""
    await services.profiles.delete(caller.account_id, deletion.current_password, address)


@router.get("/{user_id:uuid}", summary="Get a user", responses=refused(404))
async def get_user(user_id: UUID, caller: Caller, services: AppServices) -> AccountView | PublicView:
    """Returns a user's public profile; the whole account for the user and for administrators."""
    return await services.profiles.see(caller, user_id)


_WRITES = [requires(Permission.USERS_WRITE)]
_RIGHTS = refused(403, 404, 409)


@router.put("/{user_id:uuid}", summary="Replace a user's rights", dependencies=_WRITES, responses=_RIGHTS)
async def replace_rights(user_id: UUID, rights: Rights, services: AppServices) -> AccountView:
    """Replaces role and active flag. The user's tokens become invalid within five seconds. For administrators."""
    return await services.administration.change_rights(user_id, rights.model_dump())


@router.patch("/{user_id:uuid}", summary="Change a user's rights", dependencies=_WRITES, responses=_RIGHTS)
async def change_rights(user_id: UUID, change: RightsChange, services: AppServices) -> AccountView:
    """Changes role or active flag. The user's tokens become invalid within five seconds. For administrators."""
    return await services.administration.change_rights(user_id, change.model_dump(exclude_unset=True))


@router.delete(
    "/{user_id:uuid}",
    status_code=204,
    summary="Delete a user",
    dependencies=[requires(Permission.USERS_DELETE)],
    responses=_RIGHTS,
)
async def delete_user(user_id: UUID, caller: Caller, services: AppServices) -> None:
    """Anonymises another user's account permanently; orders are kept. For administrators."""
    await services.administration.delete(user_id, caller.account_id)
