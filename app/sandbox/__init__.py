"""A stand-in for the payment provider, with faults of its own. For demos and tests; it moves no money."""
