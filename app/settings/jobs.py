"""Work in the background: how long a try may take, how often it fails before a person is asked, what is kept."""

from pydantic import Field
from pydantic_settings import BaseSettings


class JobSettings(BaseSettings):
    """Work in the background: how long a try may take, how often it fails before a person is asked, what is kept."""

    claim_seconds: float = Field(30, gt=0, description="after this a job that a dead worker held is taken over")
    job_seconds: float = Field(300, gt=0, description="longest that one try of a job may take")
    job_failures: int = Field(
        10, ge=1, description="faults, or deaths of its worker, after which a job goes to the dead letters"
    )
    reconcile_seconds: float = Field(5, gt=0, description="pause between two looks at what waits too long")
    report_days: int = Field(7, ge=1, le=365, description="for which the file of a report is kept")
    reports_at_once: int = Field(3, ge=1, le=100, description="unfinished reports that one account may have")
