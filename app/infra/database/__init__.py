"""The database: engines, connections, sessions, the schema, and the classification of outages."""

from app.infra.database.database import Database, Reads, ReadSession, WriteSession, open_database

__all__ = ["Database", "ReadSession", "Reads", "WriteSession", "open_database"]
