"""Example data for a new shop: items for sale, and an account for each role."""
