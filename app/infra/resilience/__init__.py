"""Circuit breaker, retries and deadlines around calls of other services."""
