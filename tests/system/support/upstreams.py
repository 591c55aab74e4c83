"""What a case may have in place of the lab's app, and a client of HTTP/2: each a class to put in front of WorldCase."""

from lab import http2
from support.puppet import Puppet
from support.recorder import Recorder


class Recorded:
    """A recorder stands behind the face."""

    recorder = None

    @classmethod
    def upstream(cls):
        """The recorder."""
        cls.recorder = Recorder()
        cls.addClassCleanup(cls.recorder.stop)
        return cls.recorder.url


class Puppeted:
    """The test itself is the app."""

    puppet = None

    @classmethod
    def upstream(cls):
        """The puppet."""
        cls.puppet = Puppet()
        cls.addClassCleanup(cls.puppet.stop)
        return cls.puppet.url


class Http2Client:
    """Opens connections to the TLS face."""

    def connect(self, **more):
        """A connection of HTTP/2."""
        connection = http2.Connection(self.world.sso_url, self.world.tls, **more)
        self.addCleanup(connection.close)
        return connection
