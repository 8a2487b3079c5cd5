"""Connections to what is outside the process; each is opened and closed by its own lifespan."""
