"""The rules of the project's language that a program can check."""
