"""Lambda's Invoke API before Python functions, and what authorizers' functions answer."""
import collections
import http.server
import json
import threading
import urllib.parse

from callers import FUNCTIONS, policy, statement

ACCOUNT_OF_FUNCTIONS = "123456789012"
# What was invoked, in the order in which it came: the event as it was read, and the bytes and header lines that it came in.
Invocation = collections.namedtuple("Invocation", "function event headers path body lines")


# The event of what was no JSON.
NO_JSON = type("NoJson", (), {"__repr__": lambda self: "no JSON"})()


class Failure(Exception):
    """A function that ends by an error, as Lambda tells it."""


class Raw:
    """An answer of the Invoke API that is none of a function, byte by byte; no status closes the connection, after whatever `then` waits for,
    unless that says True."""

    def __init__(self, status=None, body=b"", then=lambda: False, **headers):
        self.status, self.body, self.then = status, body, then
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Invoke(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self):
        arn = urllib.parse.unquote(self.path.split("/functions/")[1].partition("/invocations")[0])
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name = arn.rpartition(":function:")[2].partition(":")[0]
        try:
            event = json.loads(body or b"{}")
        except ValueError:
            event = NO_JSON
        with self.server.lock:
            self.server.invocations.append(Invocation(name, event, dict(self.headers.items()), self.path, body, self.headers.items()))
        headers = {}
        try:
            answer = self.answer(name, event)
        except Failure as failure:
            answer = {"errorMessage": str(failure), "errorType": "Error", "trace": []}
            headers = {"X_Amz_Function_Error": "Unhandled"}
        if not isinstance(answer, Raw):
            answer = Raw(200, json.dumps(answer).encode(), **headers)
        if answer.status is None:
            self.wfile.write(answer.body)
            self.wfile.flush()
            self.close_connection = answer.then() is not True
            return
        self.send_response(answer.status)
        for header, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def answer(self, name, event):
        """As Lambda: what is no JSON reaches no function, and nobody waits for what an event came to."""
        if event is NO_JSON:
            return Raw(400, b'{"Type":"User","message":"Could not parse request body into json: Unrecognized token"}')
        if self.headers.get("X-Amz-Invocation-Type") == "Event":
            return Raw(202)
        return self.server.functions[name](event)

    def log_message(self, *_):
        pass


class Functions(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Invoke)
        self.functions, self.invocations, self.connections, self.lock = {}, [], 0, threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request, address):
        self.connections += 1
        super().process_request(request, address)

    def handle_error(self, *_):
        """Whoever is gone before her answer is part of a test."""

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.server_address[1]

    def calls(self, name):
        with self.lock:
            return [invocation for invocation in self.invocations if invocation.function == name]

    def count(self, name, act):
        """How often `act` has the function called; and what it came to."""
        before = len(self.calls(name))
        outcome = act()
        return len(self.calls(name)) - before, outcome


def output(effect="Allow", resource="*", principal="ada", **members):
    """What an authorizer's function says of a caller."""
    return {"principalId": principal, "policyDocument": policy(statement(effect, resource)), **members}


def uri(function):
    return f"{FUNCTIONS}/arn:aws:lambda:us-east-1:{ACCOUNT_OF_FUNCTIONS}:function:{function}/invocations"


def authorizer(function, kind="token", source=None, ttl=0, header="Authorization", **members):
    """A security scheme that asks a function; its header is where a token comes in."""
    said = {"type": kind, "authorizerUri": uri(function), **members}
    if source is not None:
        said["identitySource"] = source
    if ttl is not None:
        said["authorizerResultTtlInSeconds"] = ttl
    return {"type": "apiKey", "name": header if kind == "token" else "Unused", "in": "header",
            "x-amazon-apigateway-authtype": "custom", "x-amazon-apigateway-authorizer": said}
