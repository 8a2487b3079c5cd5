"""Binnacle: a small shop, instrumented and ready for Kubernetes."""

__version__ = "0.2.0"
