"""Mutation testing: breaks the code on purpose and counts what the tests miss."""
