"""Redis: connections, deadlines, and the outcomes of calls."""
