"""The catalogue of telemetry: app/telemetry/catalogue.yaml, what the code says, and the page made of both."""
