"""Exchange rates, which somebody else quotes."""
