"""Traces: who is recorded, what a span may tell, and how it leaves the process."""
