"""Tests of the pipelines and of the gates they run."""
