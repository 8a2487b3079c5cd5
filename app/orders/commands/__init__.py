"""What changes orders: a file a command, each with the one transaction that it is."""
