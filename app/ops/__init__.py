"""Admin port for operators. It must not be reachable from outside the cluster."""
