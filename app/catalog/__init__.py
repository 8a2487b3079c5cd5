"""The catalogue: items for sale."""
