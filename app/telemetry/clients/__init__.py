"""Spans of what is asked of others: the database, Redis, other services. Each asks first if the work is recorded."""
