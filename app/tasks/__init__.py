"""Tasks: how the work in the background goes, for who asked for it and for who keeps it going."""
