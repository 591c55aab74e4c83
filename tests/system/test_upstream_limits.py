"""An app that is slow, drips, stops, goes away and comes back (J2, J6 to J9): each with what others feel meanwhile, and
with how soon all is well after it. `--long` takes the numbers of the list as they are."""

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from lab import rawhttp, wire
from lab.gateway import wait_until
from support.case import WorldCase, is_long
from support.fleet import Named

LIMIT_S = 3.0
EARLY_S = 0.1  # clocks of two processes; how late it comes is not judged
J7_DOWN_S = 30 if is_long() else 3
J7_CLIENTS_PER_S = 50
J7_CONNECTS_PER_S_MAX = 100
J8_REQUESTS = 100000 if is_long() else 6000
J8_CLIENTS = 8
J8_PER_CONNECTION = 3


class OneServer(WorldCase):
    """One server, short limits."""

    with_app = False
    server = None
    close_after = None

    @classmethod
    def configure(cls, values):
        """Limits that a test can wait for."""
        cls.server = Named("app", cls.close_after)
        cls.addClassCleanup(cls.server.stop)
        values["apps"][0]["sso"]["upstream"] = {"url": cls.server.url, "answer_timeout": f"{LIMIT_S:g}s",
                                                "idle_timeout": f"{LIMIT_S:g}s"}

    def metric(self, name):
        """One value."""
        fields = [("Authorization", f"Bearer {self.world.admin_token}")]
        text = rawhttp.fetch(self.world.admin_url + "/metrics", headers=fields).body.decode()
        return int(next(line for line in text.splitlines() if line.startswith(name + " ")).split()[1])

    def open(self, path):
        """A connection on which a path was asked for."""
        connection = rawhttp.Connection.to(self.world.sso_url, timeout=60)
        self.addCleanup(connection.close)
        connection.send_request("GET", path, [("Host", self.host())])
        return connection

    def times(self, count):
        """So many requests, one after the other; how long each took."""
        with rawhttp.Connection.to(self.world.sso_url) as connection:
            result = []
            for _ in range(count):
                begun = time.monotonic()
                self.assertEqual(connection.exchange("GET", "/", [("Host", self.host())]).status, 200)
                result.append(time.monotonic() - begun)
        return result


class SlowAnswers(OneServer):
    """J2, J6, J9."""

    def test_j2_504_comes_at_the_limit_and_others_do_not_feel_it(self):
        begun = time.monotonic()
        waiting = [self.open("/hang") for _ in range(30)]
        beside = statistics.median(self.times(300))
        for connection in waiting:
            answer = connection.read_body(connection.read_head())
            self.assertEqual(answer.status, 504)
            self.assertNotIn(str(self.server.port).encode(), answer.raw_head + answer.body)  # I6
            self.assertGreater(time.monotonic() - begun, LIMIT_S - EARLY_S)
        self.assertLess(beside, LIMIT_S / 2, "others wait with them")
        self.times(20)

    def test_j6_a_drip_passes_byte_by_byte_as_it_comes(self):
        connection = self.open("/drip")
        connection.read_head()
        for byte in b"drip!":  # the app says the next one when this one was read
            self.server.go_on.release()
            self.assertEqual(connection.reader.read_exact(1), bytes([byte]))

    def test_j6_an_answer_that_stops_is_ended_at_the_limit_and_does_not_look_whole(self):
        begun = time.monotonic()
        connection = self.open("/stop")
        connection.read_head()
        connection.reader.read_exact(1)
        with self.assertRaises((wire.Closed, OSError)):
            connection.reader.read_exact(1)
        self.assertGreater(time.monotonic() - begun, LIMIT_S - EARLY_S)
        self.times(20)

    def test_j9_a_client_that_leaves_takes_its_request_with_it_and_is_counted(self):
        before = self.metric("provgate_upstream_cancelled_total")
        self.server.left.clear()
        requests = self.server.requests
        connection = self.open("/hang")
        wait_until(lambda: self.server.requests > requests, 30, "the app has it")
        connection.close()
        self.assertTrue(self.server.left.wait(60))
        wait_until(lambda: self.metric("provgate_upstream_cancelled_total") == before + 1, 30, "it is counted")


class AnAppThatIsDown(OneServer):
    """J7, and the second half of J1."""

    def test_j1_a_refused_port_is_502(self):
        self.server.go_away()
        try:
            for _ in range(20):
                self.assertEqual(rawhttp.fetch(self.sso("/")).status, 502)
        finally:
            self.server.come_back()
        wait_until(lambda: rawhttp.fetch(self.sso("/")).status == 200, 60, "200 again")

    def test_j7_all_is_well_after_an_outage_and_nobody_tramples_the_app(self):
        answers = []
        stop = threading.Event()

        def client():
            while not stop.wait(1):
                answers.append(rawhttp.fetch(self.sso("/")).status)

        self.server.go_away()
        with ThreadPoolExecutor(J7_CLIENTS_PER_S) as pool:
            for _ in range(J7_CLIENTS_PER_S):
                pool.submit(client)
                time.sleep(1 / J7_CLIENTS_PER_S)
            try:
                stop.wait(J7_DOWN_S)
                wait_until(lambda: len(answers) > J7_CLIENTS_PER_S, 60, "an answer for everybody")
                self.server.connections = 0
                down, back = len(answers), time.monotonic()
                self.server.come_back()
                wait_until(lambda: 200 in answers[down:], 60, "the first 200")
                first_s = time.monotonic() - back
                wait_until(lambda: len(answers) > down + J7_CLIENTS_PER_S and
                           set(answers[-J7_CLIENTS_PER_S:]) == {200}, 60, "200 for everybody")
                rate = self.server.connections / max(1.0, time.monotonic() - back)
            finally:
                stop.set()
        print(f"  the first 200 after {first_s:.2f} s")
        self.assertEqual(set(answers[:down]), {502})
        self.assertLess(rate, J7_CONNECTS_PER_S_MAX)


class ConnectionsThatEndWhileIdle(OneServer):
    """J8: the app closes a kept connection without a word, just as it may be used again."""

    close_after = J8_PER_CONNECTION

    def run_clients(self, method, body):
        """All requests by some clients; the statuses."""
        def client():
            statuses = []
            with rawhttp.Connection.to(self.world.sso_url) as connection:
                for _ in range(J8_REQUESTS // J8_CLIENTS):
                    statuses.append(connection.exchange(method, "/", [("Host", self.host())], body).status)
            return statuses

        with ThreadPoolExecutor(J8_CLIENTS) as pool:
            jobs = [pool.submit(client) for _ in range(J8_CLIENTS)]
            return [status for job in jobs for status in job.result()]

    def test_j8_no_get_is_502(self):
        statuses = self.run_clients("GET", None)
        self.assertEqual(set(statuses), {200})
        self.assertGreaterEqual(self.server.connections, len(statuses) // J8_PER_CONNECTION)
        self.assertGreater(self.metric("provgate_upstream_retries_total"), 0)

    def test_j8_no_put_with_a_small_body_is_502(self):
        self.assertEqual(set(self.run_clients("PUT", b"x" * 1000)), {200})
        self.assertGreater(self.metric("provgate_upstream_retries_total"), 0)
