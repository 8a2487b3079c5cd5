"""Rate limits that all replicas share."""
