from pydantic import Field
from pydantic_settings import BaseSettings


class JobSettings(BaseSettings):
    """Background jobs: timeouts, failures, reconciliation and reports."""

    claim_seconds: float = Field(30, gt=0, description="Seconds until the job of a killed worker is taken over")
    job_seconds: float = Field(300, gt=0, description="Timeout for one attempt of a job, in seconds")
    job_failures: int = Field(10, ge=1, description="Failed attempts, or killed workers, before a job is dead-lettered")
    reconcile_seconds: float = Field(5, gt=0, description="Seconds between two searches for overdue jobs")
    report_days: int = Field(7, ge=1, le=365, description="Days to keep the file of a report")
    reports_at_once: int = Field(3, ge=1, le=100, description="Unfinished reports to allow one account")
