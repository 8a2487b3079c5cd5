"""The database: engines, connections, sessions, the schema, and the classification of outages."""

from app.infra.database.database import Database, open_database
from app.infra.database.sessions import Reads, ReadSession, WriteSession

__all__ = ["Database", "ReadSession", "Reads", "WriteSession", "open_database"]
