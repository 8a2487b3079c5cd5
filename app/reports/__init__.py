"""Reports: files that take longer than a request, made in the background. docs/decisions/ describes their storage."""
