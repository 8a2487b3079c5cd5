"""Mutation testing: changes the code and counts the changes that no test detects."""
