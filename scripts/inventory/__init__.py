"""The telemetry inventory: app/telemetry/inventory.yaml, its checks against the code, and docs/telemetry.md."""
