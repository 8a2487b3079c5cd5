"""Commands that change orders: one file and one transaction a command."""
