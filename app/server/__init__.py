"""Server of the API: gunicorn with uvicorn workers that drain, and metrics on the admin port.

Order at SIGTERM: drain (keep serving, with `Connection: close`), finish the requests in flight, end the application's
lifespan. All of it ends before gunicorn's timeout, which ends before Kubernetes' grace period.
"""

from app.server.gunicorn_app import serve

__all__ = ["serve"]
