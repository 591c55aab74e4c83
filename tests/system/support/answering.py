"""An app whose answer to a sign-on is what the test says; everything else it answers with 200."""

from lab.webserver import WebServer


class Answering:
    """`status` and `headers` are the next answers of the ACS."""

    def __init__(self):
        self.status, self.headers = 303, []
        self.cookies = []
        self.server = WebServer(self.handle).start()
        self.url = self.server.url

    def handle(self, exchange):
        """Answer one request."""
        request = exchange.request
        if request.path == "/saml/acs":
            request.body()
            exchange.reply(self.status, "signed in\n", headers=self.headers)
            return
        self.cookies.append([value for name, value in request.headers if name.lower() == "cookie"])
        exchange.reply(200, "inside\n")

    def stop(self):
        """Stop answering."""
        self.server.stop()
