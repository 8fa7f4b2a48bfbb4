"""Starts the gateway before a plain backend, so that clients people use can be pointed at it."""
import base64
import gzip
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIR = os.environ.get("WEIR_BIN") or str(ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug/weir")
STARTED = re.compile(r"^weir \S+: .*listening on http://(\S+?)(?: and \S+)*, admin (?:http://(\S+)|off)")
PATIENCE = 15


class Handler(http.server.BaseHTTPRequestHandler):
    """`/echo/…` tells what arrived; the other paths answer something that clients often meet."""

    protocol_version = "HTTP/1.1"
    # Head and body leave in one segment: else Nagle and delayed ACKs make every answer 40 ms late.
    wbufsize = -1
    disable_nagle_algorithm = True

    def answer(self):
        body = self.read_body()
        url = urllib.parse.urlsplit(self.path)
        word, _, argument = url.path.lstrip("/").partition("/")
        self.server.seen.append({"method": self.command, "target": self.path, "headers": self.headers.items(), "body": body})
        if word == "bytes":
            self.reply(200, b"x" * int(argument), {"Content-Type": "application/octet-stream"})
        elif word == "gzip":
            self.reply(200, gzip.compress(b"squeezed" * 100), {"Content-Encoding": "gzip", "Content-Type": "text/plain"})
        elif word == "cookies":
            self.reply(200, b"", {"Set-Cookie": ["one=1; Path=/", "two=2; Path=/"]})
        elif word == "redirect":
            self.reply(302, b"", {"Location": "/echo/target"})
        elif word == "status":
            self.reply(int(argument), b"")
        elif word == "delay":
            time.sleep(int(argument) / 1000)
            self.reply(200, b"late")
        elif word == "chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for _ in range(int(argument)):
                self.wfile.write(b"5\r\nhello\r\n")
            self.wfile.write(b"0\r\n\r\n")
        elif word == "restapis":
            self.reply(200, b'{"item":[{"id":"abcdef1234","name":"pets"}]}', {"Content-Type": "application/json"})
        else:
            told = {"method": self.command, "target": self.path, "headers": self.headers.items(), "body": base64.b64encode(body).decode()}
            self.reply(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            out = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                out += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return out
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, status, body, headers={}):
        self.send_response(status)
        for name, values in headers.items():
            for value in values if isinstance(values, list) else [values]:
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        pass


for verb in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"):
    setattr(Handler, f"do_{verb}", Handler.answer)


class Backend(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = []
        self.connections = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request, address):
        self.connections += 1
        super().process_request(request, address)

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.server_address[1]

    @property
    def last(self):
        return self.seen[-1]


def definition(backend):
    """The rows that the tests use, as JSON: OpenAPI may be either."""

    def proxied(uri, verb="ANY", *parameters):
        return {
            "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters],
            "responses": {"200": {"description": "ok"}},
            "x-amazon-apigateway-integration": {
                "type": "http_proxy",
                "httpMethod": verb,
                "uri": backend.url + uri,
                "requestParameters": {f"integration.request.path.{name}": f"method.request.path.{name}" for name in parameters},
            },
        }

    mock = {
        "responses": {"200": {"description": "ok"}},
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": '{"statusCode": 200}'},
            "responses": {"default": {"statusCode": "200"}},
        },
    }
    anything = "x-amazon-apigateway-any-method"
    return {
        "openapi": "3.0.1",
        "info": {"title": "clients", "version": "1"},
        "paths": {
            "/pets/{petId}": {"get": proxied("/echo/pets/{petId}", "GET", "petId")},
            "/all/{proxy+}": {anything: proxied("/{proxy}", "ANY", "proxy")},
            "/restapis": {"get": proxied("/restapis", "GET")},
            "/mock": {"get": mock},
        },
    }


class Process:
    """The binary with one of its commands; found by its start-up line."""

    def __init__(self, *arguments):
        command = [WEIR, *arguments]
        if "--listen" not in arguments:
            command += ["--listen", "127.0.0.1:0"]
        if "--admin" not in arguments:
            command += ["--admin", "127.0.0.1:0"]
        if driver := os.environ.get("WEIR_TEST_DRIVER"):
            command += ["--driver", driver]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
        self.said = []
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)
        self.started = threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()
        self.started.wait(PATIENCE)
        matches = [match for line in self.said if (match := STARTED.match(line))]
        if not matches:
            self.process.kill()
            pytest.fail("the gateway did not start: " + "\n".join(self.said), pytrace=False)
        self.address, self.admin_address = matches[0][1], matches[0][2]

    def listen(self):
        for line in self.process.stderr:
            self.said.append(line.rstrip("\n"))
            if STARTED.match(line):
                self.started.set()
        self.started.set()

    @property
    def url(self):
        return f"http://{self.address}"

    @property
    def host_and_port(self):
        host, _, port = self.address.rpartition(":")
        return host, int(port)

    @property
    def admin_url(self):
        return f"http://{self.admin_address}"

    def client(self, service="apigateway", **options):
        import boto3
        import botocore.config

        config = botocore.config.Config(retries={"max_attempts": 0}, parameter_validation=False)
        return boto3.client(service, endpoint_url=self.admin_url, region_name="us-east-1", config=config, **options)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


class Gateway(Process):
    """`weir run` with the rows above."""

    def __init__(self, folder, backend, *flags):
        file = folder / "api.json"
        file.write_text(json.dumps(definition(backend)))
        super().__init__("run", str(file), *flags)


class Served(Process):
    """`weir serve` with a data folder."""

    def __init__(self, folder, *flags):
        self.folder = folder
        super().__init__("serve", "--data", str(folder), *flags)


@pytest.fixture(scope="session")
def served(tmp_path_factory, backend):
    running = Served(tmp_path_factory.mktemp("data") / "weir")
    yield running
    assert running.stop() == 0, "\n".join(running.said)


@pytest.fixture(scope="session")
def clients():
    """To make one reads the whole service model: every test has the same."""
    return {}


@pytest.fixture
def aws(served, clients):
    if "apigateway" not in clients:
        clients["apigateway"] = served.client()
    return clients["apigateway"]


@pytest.fixture
def aws_v2(served, clients):
    if "apigatewayv2" not in clients:
        clients["apigatewayv2"] = served.client("apigatewayv2")
    return clients["apigatewayv2"]


@pytest.fixture(scope="session")
def backend():
    server = Backend()
    yield server
    server.shutdown()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory, backend):
    running = Gateway(tmp_path_factory.mktemp("gateway"), backend)
    yield running
    assert running.stop() == 0, "\n".join(running.said)


@pytest.fixture(autouse=True)
def no_hanging():
    """Nothing waits for ever, whatever client is used."""
    socket.setdefaulttimeout(PATIENCE)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 60


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch):
    """No proxy, no profile, no credentials of the machine."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


@pytest.fixture
def known(served, aws):
    """A fresh API and what the cases call its parts. It is deleted at the end, where a case has not done so."""
    made = aws.create_rest_api(name="cases")
    yield {"api": made["id"], "root": made["rootResourceId"], "account": "000000000000"}
    try:
        aws.delete_rest_api(restApiId=made["id"])
    except aws.exceptions.NotFoundException:
        pass
