"""The wire itself: what boto3 would never send, and what stands on every answer."""
import json
import re
import threading

import pytest
import requests

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
BOOLEAN = "class java.lang.Boolean can not be converted to an String"
NUMBER = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String"


@pytest.fixture
def ask(served):
    with requests.Session() as session:
        def run(verb, path, body=None, **options):
            data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
            answer = session.request(verb, served.admin_url + path, data=data, timeout=20, **options)
            # On every answer, whatever it is.
            assert UUID.fullmatch(answer.headers["x-amzn-RequestId"]), answer.headers
            assert answer.headers["x-amz-apigw-id"]
            if verb != "HEAD" and "octet-stream" not in answer.headers["Content-Type"]:
                assert answer.headers["Content-Type"] == "application/json"
            if answer.status_code >= 400 and verb != "HEAD":
                told = answer.json()
                assert told["message"] and told["__type"] == answer.headers["x-amzn-ErrorType"].split(":")[0]
            return answer
        yield run


def code(answer):
    return answer.status_code, answer.headers["x-amzn-ErrorType"]


@pytest.mark.parametrize("body, message", [
    ({"name": True}, BOOLEAN),
    ({"name": 1}, NUMBER),
    ({"name": "a", "description": 1.5}, NUMBER),
    ({"name": "a", "tags": {"a": False}}, BOOLEAN),
    ({"name": "a", "binaryMediaTypes": [True]}, BOOLEAN),
    ({"name": ["a"]}, None),
    ({"name": {"a": "b"}}, None),
    ({"name": "a", "tags": []}, None),
    ({"name": "a", "tags": "b"}, None),
    ({"name": "a", "binaryMediaTypes": {}}, None),
    ({"name": "a", "binaryMediaTypes": "a/b"}, None),
    ({"name": "a", "endpointConfiguration": "EDGE"}, None),
    ({"name": "a", "minimumCompressionSize": "5"}, None),
    ({"name": "a", "minimumCompressionSize": 5.5}, None),
    ({"name": "a", "minimumCompressionSize": 10**30}, None),
    ({"name": "a", "disableExecuteApiEndpoint": "true"}, None),
    ("{", None),
    ('{"name": "a"', None),
    ('{"name": "a"} x', None),
    ("nonsense", None),
    ("[]", None),
    ('"a"', None),
    ("7", None),
    (b"\xff\xfe", None),
    ("[" * 100_000, None),
    ('{"name":' * 100_000, None),
])
def test_bodies_of_the_wrong_shape(ask, body, message):
    answer = ask("POST", "/restapis", body)
    assert code(answer) == (400, "SerializationException"), answer.text
    assert message is None or answer.json()["message"] == message


def test_what_is_not_known_or_null_is_ignored(ask):
    answer = ask("POST", "/restapis", {"name": "a", "nmae": 7, "description": None, "binaryMediaTypes": None, "minimumCompressionSize": 5.0})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert "description" not in made and "nmae" not in made and made["minimumCompressionSize"] == 5
    # Seconds as a number: the Go SDK takes nothing else.
    assert type(made["createdDate"]) in (int, float)
    assert ask("GET", f"/restapis/{made['id']}").json()["tags"] == {}
    deleted = ask("DELETE", f"/restapis/{made['id']}")
    assert (deleted.status_code, deleted.content) == (202, b"")


def test_numbers_are_numbers_and_timestamps_too(ask):
    api = ask("POST", "/restapis", {"name": "a"}).json()
    root = f"/restapis/{api['id']}/resources/{api['rootResourceId']}/methods/GET"
    assert ask("PUT", root, {"authorizationType": "NONE"}).status_code == 201
    assert ask("PUT", root + "/integration", {"type": "HTTP_PROXY", "httpMethod": "GET", "uri": "http://127.0.0.1:9/"}).status_code == 201
    deployment = ask("POST", f"/restapis/{api['id']}/deployments", {"stageName": "prod"}).json()
    stage = ask("PATCH", f"/restapis/{api['id']}/stages/prod", {"patchOperations": [
        {"op": "replace", "path": "/canarySettings/percentTraffic", "value": "50"},
        {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "200"}]})
    assert '"percentTraffic":50.0' in stage.text and '"throttlingRateLimit":200.0' in stage.text
    plan = ask("POST", "/usageplans", {"name": "p", "throttle": {"rateLimit": 200}})
    assert '"rateLimit":200.0' in plan.text
    key = ask("POST", "/apikeys", {"name": "k"}).json()
    certificate = ask("POST", "/clientcertificates", {}).json()
    for found in (api["createdDate"], deployment["createdDate"], stage.json()["createdDate"], stage.json()["lastUpdatedDate"],
                  key["createdDate"], key["lastUpdatedDate"], certificate["createdDate"], certificate["expirationDate"]):
        assert type(found) in (int, float) and 1_600_000_000 < found < 5_000_000_000
    assert ask("GET", f"/restapis/{api['id']}/stages").json()["item"][0]["stageName"] == "prod"
    for path in (f"/usageplans/{plan.json()['id']}", f"/apikeys/{key['id']}", f"/clientcertificates/{certificate['clientCertificateId']}", f"/restapis/{api['id']}"):
        assert ask("DELETE", path).status_code == 202


@pytest.mark.parametrize("verb, path", [
    ("GET", "/"), ("GET", "/nothing"), ("GET", "/restapis/"), ("PATCH", "/restapis"), ("DELETE", "/restapis"), ("PUT", "/apikeys"),
    ("GET", "/restapis/a/nothing"), ("GET", "/restapis/a/stages/b/c/d"), ("POST", "/account"), ("GET", "//restapis"),
    ("OPTIONS", "/restapis"), ("TRACE", "/restapis"), ("FETCH", "/restapis"), ("GET", "/RESTAPIS"), ("POST", "/tags/a"), ("GET", "/_weir/nothing"),
])
def test_unknown_operations(ask, verb, path):
    assert code(ask(verb, path)) == (404, "UnknownOperationException")


def test_apis_of_version_two_are_said_to_be_missing(ask):
    answer = ask("GET", "/v2/apis")
    assert answer.status_code == 501 and "HTTP and WebSocket" in answer.json()["message"]


def test_head(ask, served):
    assert ask("HEAD", "/restapis").status_code in (200, 404)
    assert requests.head(served.admin_url + "/healthz", timeout=10).status_code == 200


@pytest.mark.parametrize("path", ["/restapis?limit=x", "/restapis?limit=1.5", "/restapis?position=%FF", "/restapis?position=nonsense!", "/restapis?limit=%zz"])
def test_wrong_queries(ask, path):
    assert ask("GET", path).status_code == 400


@pytest.mark.parametrize("limit", ["-1", "0", "501", "99999999999999", ""])
def test_limits_that_are_no_error(ask, limit):
    assert ask("GET", f"/restapis?limit={limit}").status_code == 200


def test_huge_bodies(ask):
    answer = ask("POST", "/restapis", b'{"name":"' + b"x" * (65 * 1024 * 1024) + b'"}')
    assert answer.status_code == 413


def test_huge_texts_are_kept_or_refused_and_never_cut(ask):
    answer = ask("POST", "/restapis", {"name": "a", "description": "x" * 1_000_000})
    if answer.status_code == 201:
        id = answer.json()["id"]
        assert len(ask("GET", f"/restapis/{id}").json()["description"]) == 1_000_000
        ask("DELETE", f"/restapis/{id}")
    else:
        assert answer.status_code == 400


def test_bodies_where_none_is_expected(ask):
    assert ask("GET", "/restapis", "nonsense").status_code == 200
    assert ask("DELETE", "/restapis/nothere123", "nonsense").status_code == 404


def test_paths_are_split_before_they_are_decoded(ask):
    arn = "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2F"
    id = ask("POST", "/restapis", {"name": "a"}).json()["id"]
    assert ask("PUT", arn + id, {"tags": {"a": "b", "c": "d"}}).status_code == 204
    assert ask("GET", arn + id).json() == {"tags": {"a": "b", "c": "d"}}
    assert ask("DELETE", f"{arn}{id}?tagKeys=a&tagKeys=c").status_code == 204
    assert ask("GET", arn + id).json() == {"tags": {}}
    assert ask("DELETE", f"{arn}{id}").status_code == 400
    ask("DELETE", f"/restapis/{id}")


def test_who_am_i(served):
    answer = requests.post(served.admin_url + "/", data="Action=GetCallerIdentity&Version=2011-06-15", timeout=10)
    assert answer.status_code == 200 and "<Account>000000000000</Account>" in answer.text


def test_sixteen_writers_never_interleave_half_a_change(served):
    """Each writes all of an API with one number and reads it back: whatever it reads has one number throughout."""
    base = f"{served.admin_url}/restapis"
    api = requests.post(base, json={"name": "n-1"}, timeout=10).json()
    root = f"{base}/{api['id']}"
    failures = []

    def document(number):
        paths = {f"/p{part}": {"get": {"operationId": f"n{number}", "responses": {}, "x-amazon-apigateway-integration": {
            "type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'}}}} for part in range(4)}
        return {"openapi": "3.0.1", "info": {"title": f"n{number}", "version": str(number)}, "paths": paths}

    def write(number):
        try:
            with requests.Session() as session:
                for step in range(6):
                    n = number * 100 + step
                    if step % 2:
                        operations = [{"op": "replace", "path": "/name", "value": f"n{n}"}, {"op": "replace", "path": "/description", "value": f"n{n}"}]
                        put = session.patch(root, json={"patchOperations": operations}, timeout=20)
                        told = put.json()
                        assert put.status_code == 200 and told["name"] == told["description"] == f"n{n}", put.text
                    else:
                        put = session.put(f"{root}?mode=overwrite", json=document(n), timeout=20)
                        assert put.status_code == 200 and put.json()["version"] == str(n), put.text
                    row = session.get(root, timeout=20).json()
                    assert "description" not in row or row["description"] == row["name"], row
                    items = session.get(f"{root}/resources?embed=methods&limit=500", timeout=20).json()["item"]
                    names = [method["operationName"] for item in items for method in item.get("resourceMethods", {}).values()]
                    assert len(names) in (0, 4) and len(set(names)) <= 1, names
        except Exception as error:  # noqa: BLE001: told by the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert not failures, failures
    assert requests.delete(root, timeout=10).status_code == 202


def test_one_of_sixteen_creates_what_there_is_once(served):
    base = f"{served.admin_url}/restapis"
    api = requests.post(base, json={"name": "once"}, timeout=10).json()
    target = f"{base}/{api['id']}/resources/{api['rootResourceId']}"
    found = []
    threads = [threading.Thread(target=lambda: found.append(requests.post(target, json={"pathPart": "one"}, timeout=20).status_code)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == [201] + [409] * 15
    requests.delete(f"{base}/{api['id']}", timeout=10)
