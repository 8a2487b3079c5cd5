"""The API under gunicorn: configuration as code, a worker that drains, metrics on the admin port.

Order at SIGTERM: drain (serve on, closing each connection with its answer), then the requests in flight, then the
application's lifespan. All of it ends before gunicorn's own limit, which ends before Kubernetes's.
"""

from app.server.gunicorn_app import serve

__all__ = ["serve"]
