"""The admin port for operators; never reachable from outside the cluster."""
