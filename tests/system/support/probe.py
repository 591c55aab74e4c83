"""Raw bytes in, everything that comes back out."""

from dataclasses import dataclass, field

from lab import rawhttp, wire

ANSWER_S = 30.0
MAY_STAY_OPEN = (404, 421)  # the request was well framed: the connection may serve the next one


@dataclass
class Outcome:
    """All answers on the connection, and whether the peer closed it."""

    statuses: list = field(default_factory=list)
    bodies: list = field(default_factory=list)
    closed: bool = False

    @property
    def status(self):
        """The first status, or 0 when nothing came."""
        return self.statuses[0] if self.statuses else 0


def probe(url, data, answers=1, tls=None, method="GET", seconds=ANSWER_S):
    """Send raw bytes on a fresh connection; read so many answers, then see whether the connection is closed."""
    outcome = Outcome()
    with rawhttp.Connection.to(url, tls, seconds) as connection:
        try:
            connection.send(data)
        except OSError:
            pass
        try:
            for _ in range(answers):
                response = connection.read_body(connection.read_head(), method)
                outcome.statuses.append(response.status)
                outcome.bodies.append(response.body)
            if outcome.status >= 400 and outcome.status not in MAY_STAY_OPEN:
                outcome.closed = connection.closed_within(seconds)
        except wire.Closed:
            outcome.closed = True
        except (OSError, ValueError, wire.TooLong):
            pass
    return outcome
