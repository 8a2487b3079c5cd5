"""What Binnacle promises and how that is watched: objectives, rules, dashboards. `slo.yaml` is where to start."""
