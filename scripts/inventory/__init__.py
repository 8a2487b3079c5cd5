"""The inventory of telemetry: app/telemetry/inventory.yaml, what the code says, and the page made of both."""
