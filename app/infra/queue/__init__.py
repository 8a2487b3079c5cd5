"""The queue between API and workers: Celery on Redis. It only speeds work up; the outbox is the source of truth."""
