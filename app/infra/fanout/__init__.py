"""Publish and subscribe by channel, within this process or between all.

A message may be lost: with Redis, with a process, or for a reader that is too slow. The database is the source of
truth; a message only says that it changed.
"""

from app.infra.fanout.fanout import Fanout, Message, Reader, SlowReaderError
from app.infra.fanout.redis import open_fanout

__all__ = ["Fanout", "Message", "Reader", "SlowReaderError", "open_fanout"]
