"""Client spans of database, Redis and HTTP calls, for recorded work only."""
