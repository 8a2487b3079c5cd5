"""Connections to other services, each opened and closed by a lifespan of its own."""
