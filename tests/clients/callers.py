"""APIs that ask who calls, the process that serves them with a `weir.toml`, and requests sent byte by byte."""
import collections
import datetime
import http.client
import json
import pathlib
import socket
import threading

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from conftest import Process

ACCOUNT = "123456789012"
ANYTHING = "x-amazon-apigateway-any-method"
FUNCTIONS = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions"
INVOKE = "execute-api:Invoke"

# For clients that are made before a test has its surroundings taken away.
ANYBODY = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}

Answer = collections.namedtuple("Answer", "status text headers")


def mock(template="ok", **method):
    """A method that answers what its template says; `method` is what it asks of callers."""
    answer = {"statusCode": "200", "responseTemplates": {"application/json": template}}
    integration = {
        "type": "mock",
        "passthroughBehavior": "when_no_match",
        "requestTemplates": {kind: '{"statusCode": 200}' for kind in ("application/json", "text/plain")},
        "responses": {"default": answer},
    }
    return {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": integration, **method}


def signed(template="ok", **method):
    return mock(template, **{"x-amazon-apigateway-auth": {"type": "AWS_IAM"}}, **method)


def definition(paths, schemes=None, **members):
    """`paths`: a method for any verb, or methods by verb."""
    verbs = {"get", "put", "post", "delete", "patch", "head", "options", ANYTHING}
    paths = {path: method if set(method) & verbs else {ANYTHING: method} for path, method in paths.items()}
    components = {"components": {"securitySchemes": schemes}} if schemes else {}
    return {"openapi": "3.0.1", "info": {"title": "callers", "version": "1"}, "paths": paths, **components, **members}


def statement(effect, resource="*", action=INVOKE, **members):
    return {"Effect": effect, "Action": action, "Resource": resource, **members}


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def everybody(effect, resource="execute-api:/*", condition=None, principal="*"):
    """A statement of a resource policy."""
    return statement(effect, resource, Principal=principal, **({"Condition": condition} if condition else {}))


def error(status, message, kind, member="message"):
    return status, json.dumps({member: message}, separators=(",", ":"), ensure_ascii=False), kind


FORBIDDEN = error(403, "Forbidden", "ForbiddenException")
MISSING = error(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
UNKNOWN = error(403, "The security token included in the request is invalid.", "UnrecognizedClientException")
UNAUTHORIZED = error(401, "Unauthorized", "UnauthorizedException")
FAILED = error(500, None, "AuthorizerFailureException")
MISCONFIGURED = error(500, None, "AuthorizerConfigurationException")


def denied(message):
    return error(403, message, "AccessDeniedException", "Message")


def not_authorized(user, arn, suffix=""):
    """`arn` behind the account: `API/STAGE/VERB/PATH`."""
    masked = f"arn:aws:execute-api:us-east-1:********{ACCOUNT[-4:]}:{arn}"
    return denied(f"User: {user} is not authorized to perform: execute-api:Invoke on resource: {masked}{suffix}")


def told(answer):
    """200, or all that an error says."""
    return 200 if answer.status == 200 else (answer.status, answer.text, answer.headers.get("x-amzn-ErrorType"))


def toml(value):
    """JSON's texts, lists, numbers and booleans are TOML's."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {toml(member)}" for name, member in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def table(name, /, **members):
    """A table of an array, with `-` in its keys for `_`."""
    lines = [f"{key.replace('_', '-')} = {toml(value)}" for key, value in members.items()]
    return f"[[{name}]]\n" + "\n".join(lines) + "\n"


class Running(Process):
    """`weir run` with definitions by base path (`""` for one alone) and the text of a `weir.toml`."""

    def __init__(self, folder, definitions, settings="", *flags):
        self.folder = folder
        text = settings
        for number, (base, body) in enumerate(definitions.items()):
            (folder / f"api-{number}.json").write_text(json.dumps(body))
            text += table("apis", file=f"api-{number}.json", **({"base_path": base} if base else {}))
        (folder / "weir.toml").write_text(text)
        super().__init__("run", "--config", str(folder / "weir.toml"), "--account-id", ACCOUNT, *flags)

    def ask(self, target, method="GET", headers=(), body=None, address=None, host=None):
        """Just what is given, in its order: no client's `Accept` and no other spelling of a path."""
        headers = list(headers.items() if isinstance(headers, dict) else headers)
        names = {name.lower() for name, _ in headers}
        with_host = [] if "host" in names else [("Host", host or self.address)]
        if body is not None and not names & {"content-length", "transfer-encoding"}:
            with_host.append(("Content-Length", str(len(body))))
        connection = http.client.HTTPConnection(*(address or self.host_and_port), timeout=45)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in with_host + headers:
                connection.putheader(name, value)
            connection.endheaders()
            if body:
                connection.send(body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(), answer.headers)
        finally:
            connection.close()


class Signing:
    """A request as botocore signs it, to be sent or to be spoilt."""

    def __init__(self, running, target="/pets/1", method="GET", headers=(), body=b"", key="AKIAADA", secret=None, token=None,
                 region="us-east-1", service="execute-api", at=None, expires=None, host=None):
        request = AWSRequest(method=method, url=f"http://{host or running.address}{target}", data=body, headers=dict(headers))
        credentials = Credentials(key, secret or secret_of(key), token)
        signer = SigV4QueryAuth(credentials, service, region, expires=expires) if expires else SigV4Auth(credentials, service, region)
        with moved(at):
            signer.add_auth(request)
        self.running, self.method, self.body = running, method, body
        self.host = host or running.address
        self.target = request.url.split(self.host, 1)[1]
        self.headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}

    def but(self, **changes):
        """The same with something else in it; a header that is None is left out."""
        other = object.__new__(Signing)
        other.__dict__.update(self.__dict__)
        headers = {**self.headers, **changes.pop("headers", {})}
        other.headers = {name: value for name, value in headers.items() if value is not None}
        other.__dict__.update(changes)
        return other

    def ask(self):
        body = self.body if self.body or self.method in ("POST", "PUT", "PATCH") else None
        return self.running.ask(self.target, self.method, self.headers, body, host=self.host)

    @property
    def told(self):
        return told(self.ask())


def secret_of(key):
    return f"the secret of {key}"


def principal(key, where="iam.principals", **members):
    """In `weir.toml`, or in a file of its own where it stands at the top."""
    return table(where, access_key=key, secret_key=secret_of(key), **members)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class moved:
    """botocore's clock, for a moment, so many seconds from now."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        import botocore.auth

        self.clock = botocore.auth.get_current_datetime
        if self.seconds is not None:
            there = now().replace(tzinfo=None) + datetime.timedelta(seconds=self.seconds)
            botocore.auth.get_current_datetime = lambda *_, **__: there

    def __exit__(self, *_):
        import botocore.auth

        botocore.auth.get_current_datetime = self.clock


def eventually(look, expected, seconds=10):
    """For what another thread of the process does in its own time."""
    end = now() + datetime.timedelta(seconds=seconds)
    while (found := look()) != expected and now() < end:
        threading.Event().wait(0.05)
    assert found == expected


def free_port():
    """One that the system has just given back: an endpoint's listener must be named beforehand."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


def write(folder: pathlib.Path, name, value):
    (folder / name).write_text(value if isinstance(value, str) else json.dumps(value))
    return name
