"""The trace of the PROV face: the shape of what a client sends is in the log, and none of its values (law 9)."""

import os
import signal

from lab import rawhttp, yamltext
from lab.gateway import wait_until
from support.case import WorldCase
from support.scim import PATCH, USER, Scim


class Trace(WorldCase):
    """With `trace: on`."""

    def configure(self):
        """Switch it on."""
        self["apps"][0]["prov"]["trace"] = True

    def lines(self):
        """The trace lines so far."""
        return [line for line in self.world.gateway.log.read_text().splitlines() if "scim-trace" in line]

    def traced(self, *parts):
        """Wait for a line that holds all the parts."""
        wait_until(lambda: any(all(part in line for part in parts) for line in self.lines()), 30, f"a line of {parts}")

    def test_calls_are_shown_without_values(self):
        scim = Scim(self.world, [("Accept", "application/scim+json"), ("X-Odd-Header", "value-in-header")])
        body = {"schemas": [USER], "userName": "value.name@example.com", "title": "value-title",
                "name": {"givenName": "value-given"}, "password": "value-password", "externalId": "value-external"}
        made = scim.expect("POST", "/Users", body, 201)
        scim.find('userName eq "value.name@example.com"')
        scim.patch(f"/Users/{made['id']}", {"op": "replace", "path": 'emails[type eq "value-type"].value',
                                            "value": "value@example.com"})
        scim.call("GET", "/value-endpoint/value-id")
        scim.call("POST", "/Users", b"{value-broken")
        scim.call("PATCH", f"/Users/{made['id']}", {"schemas": [PATCH], "Operations": [{"op": "value-op"}]})
        rawhttp.fetch(self.world.prov_url + "/Users?access_token=value-token")
        self.traced("method=POST path=/Users ", "status=201",
                    "{schemas[:text]*1 userName:text title:text name{givenName:text} password:text externalId:text}",
                    "Authorization,Accept,X-Odd-Header,Content-Type")
        self.traced("method=GET path=/Users ", 'query="filter=userName eq ?"', "status=200")
        self.traced("method=PATCH path=/Users/ID", "{op=replace path=emails[type eq ?].value value:text}")
        self.traced("method=GET path=? ", "status=404")
        self.traced("method=POST path=/Users ", "status=400 type=invalidSyntax")
        self.traced('query="?="', "status=401")
        text = "\n".join(self.lines())
        self.assertNotIn("value-", text)
        self.assertNotIn("value.", text.replace("].value ", " "))
        self.assertNotIn("value@", text)
        self.assertNotIn(made["id"], text)
        self.assertNotIn(USER, text)


class Burst(WorldCase):
    """More calls than lines."""

    configure = Trace.configure

    def test_a_burst_is_cut_and_counted(self):
        scim = Scim(self.world)
        log = self.world.gateway.log

        def is_counted():
            for _ in range(100):
                scim.call("GET", "/Users?count=0")
            return "left_out=" in log.read_text()

        wait_until(is_counted, 30, "a count of what was left out")


class NoTrace(WorldCase):
    """Without it nothing is there, until a reload switches it on."""

    def test_it_is_off_by_default_and_goes_on_by_reload(self):
        scim, log = Scim(self.world), self.world.gateway.log
        scim.user("nobody@example.com")
        self.assertNotIn("scim-trace", log.read_text())
        self.world.values["apps"][0]["prov"]["trace"] = True
        self.world.config.write_text(yamltext.dump(self.world.values))
        os.kill(self.world.gateway.pid, signal.SIGHUP)

        def is_traced():
            scim.call("GET", "/Users?count=0")
            return 'query="count=" status=200' in log.read_text()

        wait_until(is_traced, 30, "the trace after a reload")
