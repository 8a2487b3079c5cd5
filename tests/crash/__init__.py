"""Orders under fire: everything but the provider is killed at random, and nothing may be lost or charged twice."""
