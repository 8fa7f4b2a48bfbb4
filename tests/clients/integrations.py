"""APIs before Lambda functions and AWS's services; connections that are used again; the access log."""
import collections
import http.client
import re
import uuid

import pytest

from callers import ACCOUNT, ANYTHING, FUNCTIONS, Running, eventually, secret_of, table

INTEGRATION = "x-amazon-apigateway-integration"
REGION = "us-east-1"
ERROR = b'{"message": "Internal server error"}'
TYPE = "InternalServerErrorException"
JSON = "application/json"
# The access key that signs for the gateway's roles.
GATEWAY = "AKIAGATEWAY"

# `lines` in their order, by which several of one name can be told from one.
Whole = collections.namedtuple("Whole", "status body headers lines")


def uri(function, region=REGION, account=ACCOUNT):
    """`function` may have a qualifier."""
    return f"{FUNCTIONS.replace('us-east-1', region)}/arn:aws:lambda:{region}:{account}:function:{function}/invocations"


def method(integration, **members):
    statuses = {answer["statusCode"] for answer in integration.get("responses", {}).values()} | {"200"}
    responses = {status: {"description": status} for status in sorted(statuses)}
    for answer in integration.get("responses", {}).values():
        names = [name.rpartition(".")[2] for name in answer.get("responseParameters", {})]
        responses[answer["statusCode"]].setdefault("headers", {}).update({name: {"schema": {"type": "string"}} for name in names})
    return {"responses": responses, INTEGRATION: integration, **members}


def proxy(function, members=None, **integration):
    """`members` are the method's own."""
    return method({"type": "aws_proxy", "httpMethod": "POST", "uri": uri(function), **integration}, **(members or {}))


def custom(function, members=None, **integration):
    said = {"type": "aws", "httpMethod": "POST", "uri": uri(function), "responses": {"default": {"statusCode": "200"}}}
    return method({**said, **integration}, **(members or {}))


def service(what, role=f"arn:aws:iam::{ACCOUNT}:role/gateway", members=None, region=REGION, **integration):
    """`what` is `SERVICE:path/…` or `SERVICE:action/…`."""
    said = {"type": "aws", "httpMethod": "POST", "uri": f"arn:aws:apigateway:{region}:{what}", "responses": {"default": {"statusCode": "200"}}}
    said |= {"credentials": role} if role else {}
    return method({**said, **integration}, **(members or {}))


def answer(status, pattern=None, template=None, **headers):
    """An integration response; `headers` are what they are mapped from, with `_` for `-` in their names."""
    said = {"statusCode": str(status)}
    if template is not None:
        said["responseTemplates"] = {JSON: template}
    if headers:
        said["responseParameters"] = {f"method.response.header.{name.replace('_', '-')}": source for name, source in headers.items()}
    return {pattern or "default": said}


def read(connection, target, verb="GET", headers=(), body=None, host=None):
    """Just what is given, on this connection."""
    headers = list(headers.items() if isinstance(headers, dict) else headers)
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        headers.insert(0, ("Host", host or f"{connection.host}:{connection.port}"))
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        headers.append(("Content-Length", str(len(body))))
    connection.putrequest(verb, target, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    if body:
        connection.send(body)
    got = connection.getresponse()
    return Whole(got.status, got.read(), got.headers, got.headers.items())


def ask(running, target, verb="GET", headers=(), body=None, host=None):
    connection = http.client.HTTPConnection(*running.host_and_port, timeout=45)
    try:
        return read(connection, target, verb, headers, body, host)
    finally:
        connection.close()


def error(status, body=ERROR, kind=TYPE):
    """All that an error of the gateway is."""
    return status, body, kind, JSON, None


def told(got):
    """An answer as `error` has it: no trace goes with what the gateway says itself (rest/05 section 5.8)."""
    headers = got.headers
    return got.status, got.body, headers.get("x-amzn-ErrorType"), headers.get("Content-Type"), headers.get("X-Amzn-Trace-Id")


def values(got, name):
    return [value for own, value in got.lines if own.lower() == name.lower()]


class Logged(Running):
    """With an access log whose lines are found by the ids of requests."""

    def __init__(self, folder, definitions, settings="", *flags, variables=("status",)):
        self.variables, self.log = variables, folder / "access.log"
        form = "$context.requestId\t" + "\t".join(f"$context.{name}" for name in variables)
        super().__init__(folder, definitions, settings, "--access-log", str(self.log), "--access-log-format", form, *flags)

    def logged(self, target, verb="GET", headers=(), body=None):
        """The answer, and the line's values by their names."""
        request = str(uuid.uuid4())
        got = ask(self, target, verb, [*(headers.items() if isinstance(headers, dict) else headers), ("x-amzn-RequestId", request)], body)
        lines = lambda: [line for line in self.log.read_text().splitlines() if line.startswith(request)]
        eventually(lambda: len(lines()), 1)
        return got, dict(zip(self.variables, lines()[0].split("\t")[1:]))


def unlike(golden, found, at=""):
    """What differs, member by member; a text of the golden that is `~PATTERN` is met by what matches the whole of it."""
    if isinstance(golden, dict) and isinstance(found, dict):
        wrong = [f"{at}.{name} is not there" for name in golden if name not in found]
        wrong += [f"{at}.{name} should not be there: {found[name]!r}" for name in found if name not in golden]
        return wrong + [text for name in golden if name in found for text in unlike(golden[name], found[name], f"{at}.{name}")]
    if isinstance(golden, list) and isinstance(found, list) and len(golden) == len(found):
        return [text for number, pair in enumerate(zip(golden, found)) for text in unlike(*pair, f"{at}[{number}]")]
    if isinstance(golden, str) and golden.startswith("~"):
        is_it = isinstance(found, (str, int)) and not isinstance(found, bool) and re.fullmatch(golden[1:], str(found))
        return [] if is_it else [f"{at} is {found!r}, expected {golden}"]
    same = golden == found and type(golden) is type(found)
    return [] if same else [f"{at} is {found!r}, expected {golden!r}"]


def refusal(folder, definitions, settings="", *flags):
    """What `weir run` says where it does not start."""
    with pytest.raises(pytest.fail.Exception) as said:
        Running(folder, definitions, settings, *flags)
    # Long lines are broken, and marked where they go on.
    return " ".join(str(said.value).replace("│", " ").split())


def keys(role="*", access_key=GATEWAY, secret_key=None, **more):
    """Whose keys sign for a role, in `weir.toml`."""
    return table("aws.credentials", role=role, access_key=access_key, secret_key=secret_key or secret_of(access_key), **more)


def by_path(methods):
    """Names of a path are declared, and mapped from it; a method for any verb, or methods by verb."""
    made = {}
    for path, method in methods.items():
        names = re.findall(r"\{(\w+)\+?\}", path)
        verbs = {ANYTHING: method} if INTEGRATION in method else method
        for one in verbs.values():
            parameters = one[INTEGRATION].setdefault("requestParameters", {})
            for name in names:
                if "{" + name + "}" in one[INTEGRATION]["uri"]:
                    parameters[f"integration.request.path.{name}"] = f"method.request.path.{name}"
            declared = {source for source in parameters.values() if source.startswith("method.request.")} | {f"method.request.path.{name}" for name in names}
            places = {"path": "path", "querystring": "query", "multivaluequerystring": "query", "header": "header", "multivalueheader": "header"}
            found = {(places[source.split(".")[2]], source.split(".")[3]) for source in declared if source.split(".")[2] in places}
            one["parameters"] = [{"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}} for place, name in sorted(found)]
        made[path] = verbs
    return made
