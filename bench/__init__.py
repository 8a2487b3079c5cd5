"""What the service costs, as ratios within one run. Never part of the tests: a busy machine must not fail them."""
