"""Load test with simulated browsers and buyers; the objectives of `grafana/slo.yaml` decide pass or fail."""
