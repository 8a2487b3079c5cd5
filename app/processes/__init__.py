"""Processes of the service: composition of the parts that each process needs."""
