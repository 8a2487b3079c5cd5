"""The rows of the service dashboard, one module each. Every query is of one namespace and one release."""
