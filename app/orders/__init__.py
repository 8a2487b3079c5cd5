"""Orders: placed, paid in the background, never lost."""
