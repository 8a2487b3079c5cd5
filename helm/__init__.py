"""Generators of the chart's schema, its table of values and the plain manifests."""
