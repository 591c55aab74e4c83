"""SCIM input that is wrong, huge or hostile: security.md E1 to E19 at their real sizes, against the real binary.

How long an answer takes is the client's time limit here, nothing else.
"""

import json
import os
import shutil
import tempfile
import threading
from pathlib import Path
from urllib.parse import quote

from lab import rawhttp
from lab.gateway import binary_path
from lab.okta import Okta
from support.case import WorldCase
from support.scim import ERROR, PATCH, USER, Scim
from test_memory import is_sanitized

BIG = 8 << 20


def body_of(more):
    """A create with this text behind its schemas and name."""
    return f'{{"schemas":["{USER}"],"userName":"bad@example.com"{more}}}'.encode("utf-8", "surrogatepass")


class Input(WorldCase):
    """All with a good credential."""

    timeout_s = 120

    def setUp(self):
        """A client."""
        self.scim = Scim(self.world)

    def tearDown(self):
        """What was refused was not stored."""
        self.assertEqual(self.scim.find('userName eq "bad@example.com"'), [])

    def name(self):
        """A name of the test's own."""
        return f"{self.id().rpartition('.')[2]}@example.com"

    def refused(self, method, path, body, statuses=(400,), headers=(), scim_type=None):
        """A refusal with a SCIM error."""
        answer = self.scim.call(method, path, body, headers)
        self.assertIn(answer.status, statuses, answer.body[:300])
        self.assertEqual(answer.json()["schemas"], [ERROR])
        if scim_type:
            self.assertEqual(answer.json().get("scimType"), scim_type)

    def rows(self, rows):
        """Bodies of a create that must be 400 or 413."""
        for label, more in rows.items():
            with self.subTest(label):
                self.refused("POST", "/Users", more if isinstance(more, bytes) else body_of(more), (400, 413))

    def test_e1_nesting(self):
        self.rows({"arrays": ',"title":' + "[" * 100000 + "]" * 100000,
                   "objects": ',"name":' + '{"a":' * 20000 + "1" + "}" * 20000, "open": b"[" * 100000})

    def test_e2_numbers(self):
        self.rows({"digits": ',"active":' + "9" * 100000, "exponent": ',"active":1e99999', "nan": ',"active":NaN',
                   "infinity": ',"active":Infinity', "hex": ',"active":0x10', "plus": ',"active":+1'})

    def test_e3_text(self):
        rows = {"overlong": b'"\xc0\xaf"', "surrogate bytes": b'"\xed\xa0\x80"', "bare continuation": b'"\x80"',
                "five bytes": b'"\xf8\x88\x80\x80\x80"', "lone surrogate": b'"\\ud800"', "nul": b'"a\\u0000b"',
                "raw nul": b'"a\0b"', "raw control": b'"a\x01b"', "raw newline": b'"a\nb"'}
        self.rows({label: body_of("")[:-1] + b',"title":' + value + b"}" for label, value in rows.items()})
        self.rows({"utf-16": body_of("").decode().encode("utf-16"), "bom": b"\xef\xbb\xbf" + body_of("")})

    def test_e4_names_twice(self):
        self.rows({"same": ',"active":true,"active":false', "case": ',"active":true,"ACTIVE":false',
                   "escape": ',"active":true,"\\u0061ctive":false',
                   "inside": ',"name":{"givenName":"a","GIVENNAME":"b"}'})

    def test_e5_types_and_amounts(self):
        many = ",".join(f'{{"value":"{n}@example.com"}}' for n in range(20000))
        self.rows({"active text": ',"active":"true"', "active number": ',"active":1', "emails text": ',"emails":"a@b"',
                   "two primaries": ',"emails":[{"value":"a@b","primary":true},{"value":"c@d","primary":true}]',
                   "20000 e-mails": f',"emails":[{many}]', "name list": ',"name":["x"]',
                   "userName number": f'{{"schemas":["{USER}"],"userName":7}}'.encode(),
                   "userName list": f'{{"schemas":["{USER}"],"userName":["bad@example.com"]}}'.encode(),
                   "userName empty": f'{{"schemas":["{USER}"],"userName":""}}'.encode(),
                   "userName blank": f'{{"schemas":["{USER}"],"userName":"  "}}'.encode()})

    def test_e6_sizes_and_types_of_bodies(self):
        for label, size in (("8 MiB", BIG), ("1 GiB announced", 1 << 30)):
            with self.subTest(label), rawhttp.Connection.to(self.world.prov_url) as connection:
                head = (f"POST /scim/v2/Users HTTP/1.1\r\nHost: {self.world.prov_url.split('/')[2]}\r\n"
                        f"Authorization: Bearer {self.world.token}\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {size}\r\n\r\n")
                connection.send(head.encode())
                self.assertEqual(connection.read_head().status, 413)
        self.refused("POST", "/Users", body_of(""), (415,), [("Content-Encoding", "gzip")])
        self.rows({"two documents": body_of("") + body_of(""), "junk behind": body_of("") + b"x", "empty": b"",
                   "comment": b"/* */" + body_of(""), "array": b"[" + body_of("") + b"]", "text": b'"x"',
                   "null": b"null"})
        for kind in ("text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"):
            self.assertEqual(Scim(self.world, content_type=kind).call("POST", "/Users", body_of("")).status, 415)

    def test_e7_what_clients_may_not_make(self):
        made = self.scim.user(self.name(), id="1", meta={"version": "9", "created": "1999-01-01T00:00:00Z"},
                              groups=[{"value": "g"}], roles=[{"value": "root"}], password="pw-e7-pw", isAdmin=True)
        self.assertEqual(set(made), {"schemas", "id", "userName", "active", "meta"})
        self.assertNotEqual(made["id"], "1")
        self.assertNotIn("1999", json.dumps(made))

    def test_e8_an_external_id_is_no_id(self):
        first = self.scim.user(self.name())
        for value in ("1", "../x", first["id"]):
            made = self.scim.user(f"{value.strip('./')}.{self.name()}", externalId=value)
            self.assertNotEqual(made["id"], value)
            answer = self.scim.call("GET", f"/Users/{quote(value, safe='')}")
            if value == first["id"]:
                self.assertEqual(answer.json()["id"], first["id"])
                self.assertEqual(answer.json()["userName"], first["userName"])
            else:
                self.assertEqual(answer.status, 404)

    def test_e9_twelve_patches_change_nothing(self):
        made = self.scim.user(self.name(), title="T")
        before = self.scim.call("GET", f"/Users/{made['id']}").body
        rows = [{"op": "replace", "path": "id", "value": "x"}, {"op": "replace", "path": "meta", "value": {}},
                {"op": "add", "path": "groups", "value": [{"value": "g"}]}, {"op": "remove", "path": "userName"},
                {"op": "replace", "path": "meta.version", "value": "x"}, {"op": "replace", "path": "none", "value": 1},
                {"op": "replace", "path": "active", "value": "maybe"}, {"op": "replace", "path": "active", "value": 1},
                {"op": "replace", "path": "name.none", "value": "x"}, {"op": "move", "path": "title", "value": "x"},
                {"op": "replace", "path": "userName", "value": ""}, {"op": "remove"}]
        for operation in rows:
            with self.subTest(str(operation)):
                self.refused("PATCH", f"/Users/{made['id']}", {"schemas": [PATCH], "Operations": [operation]})
        self.assertEqual(self.scim.call("GET", f"/Users/{made['id']}").body, before)

    def test_e10_patches_are_all_or_nothing(self):
        made = self.scim.user(self.name(), emails=[{"value": f"{n}@example.com"} for n in range(60)])
        path = f"/Users/{made['id']}"
        before = self.scim.call("GET", path).body
        good = {"op": "replace", "path": "title", "value": "X"}
        bomb = "emails[" + " or ".join(f'value eq "{n}"' for n in range(5000)) + "]"
        deep = "emails[" + "(" * 5000 + 'value eq "x"' + ")" * 5000 + "]"
        rows = {"the last fails": [good] * 5 + [{"op": "replace", "path": "id", "value": "x"}],
                "5000 operations": [good] * 5000, "wide path": [good, {"op": "remove", "path": bomb}],
                "deep path": [good, {"op": "remove", "path": deep}]}
        for label, operations in rows.items():
            with self.subTest(label):
                self.refused("PATCH", path, {"schemas": [PATCH], "Operations": operations}, (400, 413))
        self.assertEqual(self.scim.call("GET", path).body, before)

    def test_e11_names_that_look_alike(self):
        self.scim.user("josé.kim." + self.name())
        for same in ("JOSÉ.KIM.", "jose\u0301.kim.", "\uff4aosé.kim.", "josé.\u212aim."):
            self.refused("POST", "/Users", {"schemas": [USER], "userName": same + self.name()}, (409, 400))
        for bad in (" blank", "zero\u200bwidth", "rtl\u202eabc", "tab\tname", "line\nname"):
            self.refused("POST", "/Users", {"schemas": [USER], "userName": bad + self.name()})
        for other in ("j\u043esé.kim.", "stra\u00dfe.", "\u0130stanbul."):
            answer = self.scim.call("POST", "/Users", {"schemas": [USER], "userName": other + self.name()})
            self.assertIn(answer.status, (201, 400))

    def test_e12_filters(self):
        rows = {"20000 parentheses": "(" * 20000 + "userName pr" + ")" * 20000, "open quote": 'userName eq "a',
                "5000 or": " or ".join(['userName eq "a"'] * 5000), "5000 not": "not (" * 5000 + "userName pr",
                "nul": 'userName eq "a\0"', "unknown": 'shoeSize eq "44"', "password": 'password sw "a"',
                "operator": 'userName like "a"', "no operator": "userName", "no value": "userName eq",
                "bare value": "nobody@example.com", "order of a boolean": "active gt true", "two": 'userName pr id pr'}
        for label, text in rows.items():
            with self.subTest(label):
                path = f"/Users?filter={quote(text, safe='')}"
                kind = "invalidFilter" if len(path) < 8000 else None
                self.refused("GET", path, None, (400, 414, 431), scim_type=kind)

    def test_e13_literals(self):
        for text in ('q"uote', "back\\slash", "and&or=", "plus+one", "per%41cent", "hash#", "o'neil", "in ner", "ä"):
            with self.subTest(text):
                made = self.scim.user(text + self.name())
                literal = json.dumps(made["userName"], ensure_ascii=False)
                self.assertEqual([user["id"] for user in self.scim.find(f"userName eq {literal}")], [made["id"]])

    def test_e14_paging(self):
        for start in ("0", "-5", str(2 ** 63), str(2 ** 64), "9" * 400, "1"):
            for count in ("0", "-1", "1000000000", str(2 ** 63), "5"):
                page = self.scim.get(f"/Users?startIndex={start}&count={count}")
                self.assertLessEqual(page["itemsPerPage"], 1000)
                self.assertGreaterEqual(page["startIndex"], 1)
        for words in ("startIndex=one", "count=ten", "startIndex=1.5", "count=0x10", "startIndex=1&startIndex=2"):
            self.refused("GET", "/Users?" + words, None)

    def test_e15_ids(self):
        made = self.scim.user(self.name())["id"]
        for text in (made + "%2F", "%00", made + "%00", "a" * 10240, "..", "%2e%2e", ".", made + "x", made[:-1],
                     quote(made + "é"), "%ff", made + "/x"):
            with self.subTest(text[:60]):
                self.refused("GET", f"/Users/{text}", None, (400, 404, 414, 431))

    def test_e16_24_parallel_creates_of_one_name(self):
        statuses = []

        def create():
            body = {"schemas": [USER], "userName": self.name()}
            statuses.append(Scim(self.world).call("POST", "/Users", body).status)

        threads = [threading.Thread(target=create) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(statuses), [201] + [409] * 23)
        self.assertEqual(len(self.scim.find(f'userName eq "{self.name()}"')), 1)

    def test_e17_conditions(self):
        made = self.scim.user(self.name())
        path, old = f"/Users/{made['id']}", made["meta"]["version"]
        new = self.scim.patch(path, {"op": "replace", "value": {"title": "T"}})["meta"]["version"]
        change = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"title": "X"}}]}
        for method, body in (("PATCH", change), ("PUT", made), ("DELETE", None)):
            self.refused(method, path, body, (412,), [("If-Match", old)])
        self.assertEqual(self.scim.get(path)["title"], "T")
        self.assertEqual(self.scim.call("PATCH", path, change, [("If-Match", f'"x", {new}')]).status, 200)
        answer = self.scim.call("GET", path)
        fresh = self.scim.call("GET", path, None, [("If-None-Match", answer.header("ETag"))])
        self.assertEqual((fresh.status, fresh.body), (304, b""))

    def test_e18_a_walk_while_others_write(self):
        there = {self.scim.user(f"{number:03}.{self.name()}")["id"] for number in range(150)}
        stop = threading.Event()

        def write():
            client, number = Scim(self.world), 0
            while not stop.is_set():
                number += 1
                made = client.user(f"w{number}.{self.name()}")
                client.patch(f"/Users/{made['id']}", {"op": "replace", "value": {"active": False}})

        writer = threading.Thread(target=write)
        writer.start()
        try:
            okta = Okta(self.world.prov_url, self.world.token)
            for _ in range(3):
                seen = [user["id"] for user in okta.import_users()]
                self.assertEqual(len(seen), len(set(seen)))
                self.assertLessEqual(there, set(seen))
            okta.close()
        finally:
            stop.set()
            writer.join()

    def test_e19_odd_booleans_are_never_read_as_true(self):
        made = self.scim.user(self.name(), active=False)
        path = f"/Users/{made['id']}"
        for value in ("yes", "1", "on", "enabled", "", "tru", " true", "TrueFalse", 1, 2.0, [], {}, [True, True]):
            with self.subTest(str(value)):
                for operation in ({"op": "Replace", "path": "active", "value": value},
                                  {"op": "replace", "value": {"active": value}}):
                    self.scim.call("PATCH", path, {"schemas": [PATCH], "Operations": [operation]})
                    self.assertIs(self.scim.get(path)["active"], False)
        self.assertIs(self.scim.patch(path, {"op": "Replace", "path": "active", "value": "True"})["active"], True)


class SmallStack(WorldCase):
    """E1 once more with a small stack for all of provgate."""

    @classmethod
    def setUpClass(cls):
        """The binary behind a script that lowers the limit."""
        script = Path(tempfile.mkdtemp(prefix="provgate-stack-")) / "provgate"
        cls.addClassCleanup(shutil.rmtree, script.parent, True)
        kib = 2048 if is_sanitized() else 256  # a sanitizer's frames are several times as large
        script.write_text(f'#!/bin/sh\nulimit -s {kib}\nexec "{binary_path()}" "$@"\n')
        script.chmod(0o755)
        before = os.environ.get("PROVGATE_BIN")
        os.environ["PROVGATE_BIN"] = str(script)
        try:
            super().setUpClass()
        finally:
            del os.environ["PROVGATE_BIN"]
            if before is not None:
                os.environ["PROVGATE_BIN"] = before

    def test_e1_nesting_with_a_stack_of_256_kib(self):
        scim = Scim(self.world)
        for text in ("[" * 100000 + "]" * 100000, '{"a":' * 20000 + "1" + "}" * 20000, "(" * 20000):
            self.assertEqual(scim.call("POST", "/Users", body_of(',"title":' + text)).status, 400)
        deep = quote("(" * 1500 + "userName pr" + ")" * 1500, safe="()")
        self.assertEqual(scim.call("GET", f"/Users?filter={deep}").status, 400)
        self.assertEqual(scim.call("GET", "/Users").status, 200)
