"""Circuit breakers, retries and deadlines of calls to other services."""
