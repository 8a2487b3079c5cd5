"""Start time of the API until it is ready, relative to the import time of FastAPI and SQLAlchemy."""

import statistics
import subprocess
import time
from pathlib import Path

from bench.report import Figure
from bench.shops import open_shops

ROUNDS = 5
ALLOWANCE_SECONDS = 1.0


def measure(folder: Path, python: str) -> list[Figure]:
    imports, starts = [], []
    for number in range(ROUNDS + 1):
        began = time.perf_counter()
        subprocess.run([python, "-c", "import fastapi, sqlalchemy.ext.asyncio"], check=True)
        imported = time.perf_counter() - began
        (folder / str(number)).mkdir()
        with open_shops(folder / str(number), python) as shops:
            state = folder / "state"
            if number == 0:
                shops.embedded()
                continue  # the first round compiles the bytecode that the others use
            shops.processes.start("migrate", STATE_DIR=state).wait()
            began = time.perf_counter()
            shops.processes.api(STATE_DIR=state)
            starts.append(time.perf_counter() - began)
            imports.append(imported)
    base, start = statistics.median(imports), statistics.median(starts)
    measured = f"{start:.2f} s, of which {base:.2f} s FastAPI and SQLAlchemy"
    return [Figure("ready", measured, start <= base + ALLOWANCE_SECONDS, f"≤ their import + {ALLOWANCE_SECONDS:g} s")]
