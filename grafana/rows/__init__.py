"""Rows of the service dashboard, one module each. Every query selects one namespace and one release."""
