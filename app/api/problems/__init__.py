"""Problem details (RFC 9457) for all errors. They never repeat the client's input, which may contain a password."""

from app.api.problems.handlers import install, refuse, unexpected
from app.api.problems.response import DOCUMENTED, MEDIA_TYPE, FieldProblem, Problem, answer, title

__all__ = ["DOCUMENTED", "MEDIA_TYPE", "FieldProblem", "Problem", "answer", "install", "refuse", "title", "unexpected"]
