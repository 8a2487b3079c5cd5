"""The database: engines, connections, sessions, the schema, and which errors are outages."""

from app.infra.database.database import Database, Reads, ReadSession, WriteSession, open_database

__all__ = ["Database", "ReadSession", "Reads", "WriteSession", "open_database"]
