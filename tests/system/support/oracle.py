"""Knows what was acknowledged and what was under way, user by user; judges what a restart brought back."""

import threading
from dataclasses import dataclass


@dataclass
class Known:
    """A user's acknowledged state (None: not there), and the one a call under way would lead to."""

    acknowledged: tuple = None
    pending: tuple = None
    is_pending: bool = False


class Oracle:
    """One writer per user name; any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.users = {}
        self.acknowledged = 0

    def begin(self, name, state):
        """A call that leads to this state is about to be sent."""
        with self.lock:
            known = self.users.setdefault(name, Known())
            known.pending, known.is_pending = state, True

    def done(self, name):
        """The call was answered with success."""
        with self.lock:
            known = self.users[name]
            known.acknowledged, known.is_pending = known.pending, False
            self.acknowledged += 1

    def judge(self, found):
        """Compare with {name: state}; the list of complaints. What is there afterwards is the new truth."""
        complaints = []
        with self.lock:
            for name, known in self.users.items():
                state = found.get(name)
                allowed = [known.acknowledged] + ([known.pending] if known.is_pending else [])
                if state not in allowed:
                    complaints.append(f"{name} is {state}, allowed {allowed}")
                known.acknowledged, known.is_pending = state, False
            complaints += [f"{name} came from nowhere" for name in found if name not in self.users]
        return complaints
