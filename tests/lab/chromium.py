"""A real browser without a window: Debian's Chromium, driven over its DevTools pipe.

One process, as many contexts (each with its own cookies) as asked for. Loopback only; pages of the lab alone.
"""

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

from lab.gateway import end_with_parent, wait_until

NAMES = ("chromium", "chromium-browser", "google-chrome")
CALL_S = 30.0
STOP_S = 10.0
MESSAGE_BYTES_MAX = 64 << 20
SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--no-proxy-server", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-default-apps", "--disable-extensions", "--ignore-certificate-errors", "--remote-debugging-pipe")


def path():
    """Where it is, or None."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


def _moved_up(descriptor):
    """The same pipe end away from 3 and 4, which the browser wants."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return moved


class ChromiumError(Exception):
    """The browser ended, or does not answer, or says no."""


class Chromium:
    """One browser process."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="provgate-chromium-")
        theirs_in, self.out = os.pipe()
        self.input, theirs_out = os.pipe()
        theirs_in, theirs_out = _moved_up(theirs_in), _moved_up(theirs_out)
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", path(), *SWITCHES,
             f"--user-data-dir={self.folder}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out), preexec_fn=end_with_parent, start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer, self.number = b"", 0

    def _receive(self, deadline):
        while b"\0" not in self.buffer:
            if not select.select([self.input], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise ChromiumError("chromium does not answer")
            piece = os.read(self.input, 1 << 16)
            if not piece or len(self.buffer) > MESSAGE_BYTES_MAX:
                raise ChromiumError("chromium ended")
            self.buffer += piece
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, session=None, **parameters):
        """One DevTools command; its result. Events that come meanwhile are dropped."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        os.write(self.out, json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + CALL_S
        while (answer := self._receive(deadline)).get("id") != self.number:
            pass
        if "error" in answer:
            raise ChromiumError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def page(self):
        """A page in a context of its own: a person at another machine."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        return Page(self, self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"], context)

    def stop(self):
        """End it with all its children and remove its profile."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sign)
                self.process.wait(STOP_S)
                break
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        os.close(self.input)
        os.close(self.out)
        shutil.rmtree(self.folder, ignore_errors=True)


class Page:
    """One tab."""

    def __init__(self, browser, session, context):
        self.browser, self.session, self.context = browser, session, context
        browser.call("Network.enable", session)
        browser.call("Network.setCacheDisabled", session, cacheDisabled=True)

    def evaluate(self, script):
        """The value of a script; a promise is waited for."""
        result = self.browser.call("Runtime.evaluate", self.session, expression=script, awaitPromise=True,
                                   returnByValue=True)
        if "exceptionDetails" in result:
            raise ChromiumError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def go(self, url):
        """Navigate, as if the address had been typed."""
        self.evaluate("window.isOld = true")
        error = self.browser.call("Page.navigate", self.session, url=url).get("errorText")
        if error:
            raise ChromiumError(f"{url}: {error}")
        self.wait_for("!window.isOld && document.readyState === 'complete'")

    def click(self, selector):
        """Click what a selector finds; the page that follows is not waited for."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def wait_for(self, script, seconds=CALL_S):
        """Until a script is true; on the way from page to page it may fail."""
        def is_true():
            try:
                return self.evaluate(f"Boolean({script})")
            except ChromiumError as error:
                if "ended" in str(error) or "not answer" in str(error):
                    raise
                return False
        try:
            return wait_until(is_true, seconds, script)
        except TimeoutError as error:
            raise ChromiumError(f"{script} is never true; at {self.address()}: {self.text()[:500]}") from error

    def address(self):
        """Where it is."""
        return self.evaluate("location.href")

    def text(self):
        """What a person reads."""
        return self.evaluate("document.body ? document.body.innerText : ''")

    def navigation(self, key):
        """What the browser noted of the navigation: responseStatus, nextHopProtocol."""
        return self.evaluate(f"performance.getEntriesByType('navigation')[0].{key}")

    def cookies(self):
        """Its cookies, name to value, HttpOnly ones as well."""
        return {cookie["name"]: cookie["value"]
                for cookie in self.browser.call("Storage.getCookies", browserContextId=self.context)["cookies"]}

    def set_cookie(self, url, name, value):
        """Put a cookie in."""
        self.browser.call("Storage.setCookies", browserContextId=self.context,
                          cookies=[{"name": name, "value": value, "url": url}])
