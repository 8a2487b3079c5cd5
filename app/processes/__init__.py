"""Processes of the service: the parts that each opens, their order and their connections."""
