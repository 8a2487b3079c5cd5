"""Mail: what is written to whom and when, and the provider that carries it."""
