"""What is generated from the chart: its schema, its table of values, and the plain manifests."""
