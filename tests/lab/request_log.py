"""What reached the app: the proof that a refused request did not."""

import hashlib
import threading
from collections import deque

KEEP_MAX = 10000


def cookie_digest(value):
    """A short digest: enough to tell sessions apart, not enough to use one."""
    return hashlib.sha256(value.encode("latin-1")).hexdigest()[:16] if value else None


class RequestLog:
    """The last KEEP_MAX requests, each with a running number."""

    def __init__(self):
        self.lock = threading.Lock()
        self.entries = deque(maxlen=KEEP_MAX)
        self.count = 0

    def add(self, method, target, cookie):
        """Note a request whose head has arrived."""
        with self.lock:
            self.count += 1
            self.entries.append({"number": self.count, "method": method, "target": target,
                                 "cookie": cookie_digest(cookie)})

    def since(self, number):
        """Entries after a running number."""
        with self.lock:
            return [entry for entry in self.entries if entry["number"] > number]
