"""Work on a database's schema, as a migration does it."""

from collections.abc import Callable

from sqlalchemy import Connection

from app.infra.database.engine import create_engine, for_writing
from app.settings import Settings


async def run_on(settings: Settings, work: Callable[[Connection], object]) -> None:
    """Runs `work` in one transaction that writes, beside whoever else uses the database."""
    engine = create_engine(settings)
    try:
        async with for_writing(engine).begin() as connection:
            await connection.run_sync(work)
    finally:
        await engine.dispose()
