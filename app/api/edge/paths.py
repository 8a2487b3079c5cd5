"""Paths that kubelets and monitors ask by address, as often as they like."""

from typing import Final

# They tell nothing that a host name should protect.
OPERATIONS: Final = frozenset({"/livez", "/readyz", "/startupz", "/version"})
