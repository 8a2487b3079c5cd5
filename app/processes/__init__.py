"""The processes of the service: which parts each one opens, in which order, and how they are connected."""
