"""Programs that the tests run inside pods, each a file that needs the standard library alone."""
