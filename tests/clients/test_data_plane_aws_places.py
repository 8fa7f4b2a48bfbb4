"""Where functions and services are reached and by whose keys, as weir.toml, flags and the environment say it; and what cannot be reached is
refused at load, with what to write."""
import pytest

from callers import ACCOUNT, Running, definition, table
from functions import Functions
from integrations import GATEWAY, REGION, Logged, ask, by_path, custom, error, keys, proxy, refusal, service, told, uri
from signed_services import Services

ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
NO_KEYS = "API Gateway does not have permission to assume the provided role"
SQS, DYNAMODB = service(f"sqs:path/{ACCOUNT}/q"), service("dynamodb:action/Query")


@pytest.fixture(scope="module")
def functions():
    """Two places where functions live, that tell which they are."""
    made = Functions(), Functions()
    for number, running in enumerate(made):
        running.functions.update(dict.fromkeys(["orders", "orders-eu", "pets", "anything", "function"], lambda event, n=number: {"body": f"place {n}"}))
    yield made
    for running in made:
        running.shutdown()


@pytest.fixture(scope="module")
def services():
    made = Services(GATEWAY, "AKIAOTHER", "ASIATAKEN"), Services(GATEWAY, "AKIAOTHER")
    yield made
    for running in made:
        running.shutdown()


def body_of(folder, settings, method, *flags):
    running = Running(folder, {"": definition(by_path({"/x": method}))}, settings, *flags)
    got = ask(running, "/x", "POST", body=b"{}")
    assert running.stop() == 0, "\n".join(running.said)
    assert got.status == 200, got
    return got.body.decode()


FIRST = lambda name="orders", **members: table("functions", name=name, url="<0>", **members)
SECOND = lambda name: table("functions", name=name, url="<1>")
FALLBACK = 'lambda-endpoint = "<1>"\n'


@pytest.mark.parametrize("settings, function, expected", [
    (FIRST(), "orders", "place 0"),
    (FALLBACK + FIRST(), "orders", "place 0"),
    (FALLBACK + FIRST(), "pets", "place 1"),
    (FALLBACK + FIRST("ord*"), "orders-eu", "place 0"),
    (FALLBACK + FIRST("*-eu"), "orders-eu", "place 0"),
    (FALLBACK + FIRST("*-eu"), "orders", "place 1"),
    (FIRST("*"), "anything", "place 0"),
    # The first that is met holds.
    (FIRST("orders*") + SECOND("*"), "orders", "place 0"),
    (SECOND("*") + FIRST("orders*"), "orders", "place 1"),
    # Without a qualifier an entry is for all of them.
    (FALLBACK + FIRST(), "orders:live", "place 0"),
    (FALLBACK + FIRST("orders:live"), "orders:live", "place 0"),
    (FALLBACK + FIRST("orders:live"), "orders:7", "place 1"),
    (FALLBACK + FIRST("orders:live"), "orders", "place 1"),
])
def test_where_a_function_lives(tmp_path, functions, settings, function, expected):
    for number, running in enumerate(functions):
        settings = settings.replace(f"<{number}>", running.url)
    assert body_of(tmp_path, settings, proxy(function)) == expected
    called = functions[int(expected[-1])].invocations[-1]
    assert called.path == uri(function).partition("path")[2]
    assert "Authorization" not in called.headers, "a place that is named is not AWS"


@pytest.mark.parametrize("path", ["/2015-03-31/functions/function/invocations", "/base/2015-03-31/functions/function/invocations"])
def test_the_runtime_interface_emulator(tmp_path, functions, path):
    """Its path is one for whatever function."""
    body = definition({"/x": proxy("orders:live"), "/y": custom("orders")})
    running = Running(tmp_path, {"": body}, table("functions", name="orders", url=functions[0].url + path))
    for target in ("/x", "/y"):
        assert ask(running, target, "POST", body=b"{}").status == 200
        assert functions[0].invocations[-1].path == path
    assert running.stop() == 0


def test_functions_of_aws_are_called_with_a_signature(tmp_path, services):
    settings = f'[aws]\nendpoint = "{services[0].url}"\n' + keys("default") + keys(ROLE + "invoke", "AKIAOTHER") + table("functions", name="*", aws=True)
    methods = {"/default": custom("orders"), "/role": custom("orders:live", credentials=ROLE + "invoke"),
               "/region": custom("orders", uri=uri("orders", "eu-west-1")), "/proxy": proxy("orders")}
    services[0].said = lambda request: (200, {"statusCode": 200} if b"requestContext" in request["body"] else {"ok": True})
    running = Running(tmp_path, {"": definition(methods)}, settings)
    for path, key, scope, function in (("/default", GATEWAY, f"{REGION}/lambda", "orders"), ("/role", "AKIAOTHER", f"{REGION}/lambda", "orders:live"),
                                       ("/region", GATEWAY, "eu-west-1/lambda", "orders"), ("/proxy", GATEWAY, f"{REGION}/lambda", "orders")):
        assert ask(running, path, "POST", body=b"{}").status == 200
        seen = services[0].last
        assert (seen["wrong"], seen["key"], seen["scope"]) == ("", key, scope)
        assert seen["target"].replace("%3A", ":").endswith(f":function:{function}/invocations")
    assert running.stop() == 0
    services[0].said = lambda request: (200, {"ok": True})


# Who is asked: the number of a place by service, of what settings, flags and environment say.
@pytest.mark.parametrize("aws, flags, environment, expected", [
    ('endpoint = "<0>"', [], {}, {"sqs": 0, "dynamodb": 0}),
    ('endpoint = "<0>"\nendpoints = { dynamodb = "<1>" }', [], {}, {"sqs": 0, "dynamodb": 1}),
    ('endpoints = { dynamodb = "<1>", sqs = "<0>" }', [], {}, {"sqs": 0, "dynamodb": 1}),
    ('endpoints = { sqs = "<0>" }', ["--aws-endpoint", "dynamodb=<1>"], {}, {"sqs": 0, "dynamodb": 1}),
    ('endpoint = "<0>"', ["--aws-endpoint", "<1>"], {}, {"sqs": 1, "dynamodb": 1}),
    ('endpoints = { sqs = "<0>", dynamodb = "<0>" }', ["--aws-endpoint", "sqs=<1>"], {}, {"sqs": 1, "dynamodb": 0}),
    ("", ["--aws-endpoint", "sqs=<0>", "--aws-endpoint", "<1>"], {}, {"sqs": 0, "dynamodb": 1}),
    ('endpoint = "<0>"', [], {"AWS_ENDPOINT_URL_SQS": "<1>"}, {"dynamodb": 0}),
    ("", [], {"AWS_ENDPOINT_URL_SQS": "<1>", "AWS_ENDPOINT_URL_DYNAMODB": "<0>"}, {"sqs": 1, "dynamodb": 0}),
    ('endpoints = { sqs = "<0>" }', [], {"AWS_ENDPOINT_URL_SQS": "<1>"}, {"sqs": 0}),
    # The general one often names Weir's own management API.
    ('endpoint = "<0>"', [], {"AWS_ENDPOINT_URL": "<1>"}, {"sqs": 0, "dynamodb": 0}),
])
def test_endpoints(tmp_path, services, monkeypatch, aws, flags, environment, expected):
    def put(text):
        return text.replace("<0>", services[0].url).replace("<1>", services[1].url)

    for name, value in environment.items():
        monkeypatch.setenv(name, put(value))
    body = definition({path: method for path, method in (("/sqs", SQS), ("/dynamodb", DYNAMODB)) if path[1:] in expected})
    running = Running(tmp_path, {"": body}, put(f"[aws]\n{aws}\n") + keys(), *map(put, flags))
    for name, place in expected.items():
        before = [len(one.seen) for one in services]
        assert ask(running, f"/{name}", "POST", body=b"{}").status == 200
        assert [len(one.seen) - count for one, count in zip(services, before)] == [int(place == number) for number in range(2)]
    assert running.stop() == 0


def test_the_first_role_that_is_met(tmp_path, services):
    settings = f'[aws]\nendpoint = "{services[0].url}"\n' + keys(ROLE + "api-*", "AKIAOTHER") + keys("*")
    methods = {f"/{name}": service("sqs:path/1/q", ROLE + name) for name in ("api-orders", "api-", "orders", "x-api-")}
    running = Running(tmp_path, {"": definition(methods)}, settings)
    for name, key in (("api-orders", "AKIAOTHER"), ("api-", "AKIAOTHER"), ("orders", GATEWAY), ("x-api-", GATEWAY)):
        ask(running, f"/{name}", "POST", body=b"{}")
        assert services[0].last["key"] == key
    assert running.stop() == 0


NOBODY = ["nobody here stands for the role", "[[aws.credentials]]", "role/gateway"]


@pytest.mark.parametrize("method, settings, words", [
    (SQS, "", NOBODY),
    (SQS, '[aws]\nendpoint = "http://127.0.0.1:9"\n', NOBODY),
    (SQS, keys(ROLE + "other"), NOBODY),
    (SQS, keys("default"), NOBODY),
    (service("sqs:path/1/q", None), keys(), ["has no credentials", "[[aws.credentials]]"]),
    (service("sqs:path/1/q", ""), keys(), ["has no credentials"]),
    (proxy("orders"), "", ["nothing here says where the function `orders` lives", "[[functions]]", "--lambda-endpoint"]),
    (custom("orders"), table("functions", name="pets", url="http://127.0.0.1:9"), ["nothing here says where the function `orders` lives"]),
    (proxy("orders", uri=f"arn:aws:apigateway:{REGION}:sqs:path/1/q"), keys(),
     ["Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations."]),
    (service("sqs"), keys(), ["AWS ARN for integration must contain path or action"]),
    (custom("x", uri="arn:aws:sqs:us-east-1:1:q"), keys(), ["AWS ARN for integration must contain path or action"]),
    (custom("x", uri="nonsense"), keys(), ["Invalid ARN specified in the request"]),
    (custom("x", uri=uri("a b")), 'lambda-endpoint = "http://127.0.0.1:9"\n', ["no ARN of a Lambda function"]),
    (service("evil.example/x:path/y"), keys(), ["Invalid ARN specified in the request"]),
])
def test_what_cannot_be_reached_is_refused(tmp_path, method, settings, words):
    said = refusal(tmp_path, {"": definition({"/x": method})}, settings)
    assert [word for word in words if word not in said] == [], said
    assert "the secret of" not in said


def test_a_caller_who_has_not_signed_has_no_keys(tmp_path, services):
    """Nothing goes out by the gateway's own."""
    settings = f'[aws]\nendpoint = "{services[0].url}"\n' + keys()
    running = Logged(tmp_path, {"": definition({"/x": service("sqs:path/1/q", "arn:aws:iam::*:user/*")})}, settings, variables=["integration.error"])
    before = len(services[0].seen)
    got, line = running.logged("/x", "POST", body=b"{}")
    assert told(got) == error(500) and NO_KEYS in line["integration.error"]
    assert len(services[0].seen) == before
    assert running.stop() == 0


@pytest.mark.parametrize("settings, words", [
    ('[aws]\nendpoint = "ftp://127.0.0.1"\n', ["endpoint", "ftp://127.0.0.1"]),
    ('[aws]\nendpoint = 7\n', ["endpoint", "text"]),
    ('[aws]\nendpoints = { "sq s" = "http://127.0.0.1:9" }\n', ["sq s"]),
    ('[aws]\nendpiont = "http://127.0.0.1:9"\n', ["endpiont", "endpoint"]),
    ('[[aws.credentials]]\nrole = "*"\n', ["profile"]),
    ('[[aws.credentials]]\naccess-key = "AKIAGATEWAY"\nsecret-key = "hidden"\n', ["role"]),
    ('[[aws.credentials]]\nrole = "*"\naccess-key = "AKIAGATEWAY"\n', ["secret-key"]),
    ('[[aws.credentials]]\nrole = "*"\nsecret-key = "hidden"\n', ["access-key"]),
    ('[[aws.credentials]]\nrole = "*"\nprofile = "p"\nchain = true\n', ["profile", "chain"]),
    ('[[aws.credentials]]\nrole = "*"\nassume-role = true\n', ["assume-role"]),
    ('[[aws.credentials]]\nrole = "*"\nsecret = "hidden"\n', ["secret", "secret-key"]),
    ('[[aws.credentials]]\nrole = "*"\nsecret_key = "hidden"\n', ["secret_key", "secret-key"]),
    ('[[aws.credentials]]\nrole = "*"\nsecret-key = 7\n', ["secret-key"]),
    ('[[functions]]\nname = "orders"\n', ["orders", "dir", "url", "aws"]),
    ('[[functions]]\nname = "orders"\nurl = "http://127.0.0.1:9"\naws = true\n', ["url", "aws"]),
    ('[[functions]]\nurl = "http://127.0.0.1:9"\n', ["name"]),
    ('[[functions]]\nname = "or ders"\nurl = "http://127.0.0.1:9"\n', ["or ders"]),
    ('[[functions]]\nname = "orders"\nurl = "127.0.0.1:9"\n', ["url"]),
    ('[[functions]]\nname = "orders"\nuri = "http://127.0.0.1:9"\n', ["uri", "url"]),
])
def test_settings_that_are_none(tmp_path, settings, words):
    said = refusal(tmp_path, {"": definition({"/x": proxy("orders")})}, settings)
    assert [word for word in words if word not in said] == [] and "weir.toml" in said, said
    assert "hidden" not in said, "a secret is shown"
