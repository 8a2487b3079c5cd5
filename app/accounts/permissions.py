"""Roles and their permissions."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.errors import ForbiddenError


class Role(StrEnum):
    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"


class Permission(StrEnum):
    """Actions beyond one's own account and objects, which need no permission."""

    ITEMS_WRITE_ANY = "items:write-any"
    REPORTS_READ_ANY = "reports:read-any"
    JOBS_MANAGE = "jobs:manage"
    CAMPAIGNS_SEND = "campaigns:send"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    USERS_DELETE = "users:delete"


PERMISSIONS: Final[Mapping[str, frozenset[Permission]]] = MappingProxyType(
    {
        Role.USER: frozenset(),
        Role.MODERATOR: frozenset({Permission.ITEMS_WRITE_ANY, Permission.REPORTS_READ_ANY}),
        Role.ADMIN: frozenset(Permission),
    }
)


def allows(role: str, permission: Permission) -> bool:
    """Tests whether a role has a permission; an unknown role has none."""
    return permission in PERMISSIONS.get(role, frozenset())


def require_any(role: str, *permissions: Permission) -> None:
    """Raises ForbiddenError, which names the permissions, when the role has none of them."""
    if not any(allows(role, permission) for permission in permissions):
        raise ForbiddenError(f"This needs the permission {' or '.join(permissions)}; your role is {role}.")
