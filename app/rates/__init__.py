"""Exchange rates of an external provider."""
