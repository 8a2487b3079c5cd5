"""Publish and subscribe: messages by channel, to whoever listens just now, in this process or in all.

A message may be lost: with Redis, with a process, with a reader that is too slow. Who must not miss anything reads the
truth from the database, and takes a message as the hint to look.
"""

from app.infra.fanout.fanout import Fanout, Message, Reader, SlowReaderError
from app.infra.fanout.opening import open_fanout

__all__ = ["Fanout", "Message", "Reader", "SlowReaderError", "open_fanout"]
