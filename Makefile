.DEFAULT_GOAL := help
.PHONY: help
