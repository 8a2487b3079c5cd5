"""Load the service as browsers and buyers do, and pass or fail it by the objectives of `grafana/slo.yaml`."""
