"""Python's everyday clients against the data plane."""
import concurrent.futures
import http.client
import re

import pytest
import requests
import urllib3

UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
VERBS = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"]


def header(seen, name):
    values = [value for known, value in seen["headers"] if known.lower() == name.lower()]
    return values[0] if values else None


def test_a_path_parameter_reaches_the_backend(gateway, backend):
    answer = requests.get(gateway.url + "/pets/17", params={"limit": "10"})
    assert answer.status_code == 200
    assert answer.json()["target"] == "/echo/pets/17?limit=10"
    assert UUID.match(answer.headers["x-amzn-RequestId"])
    assert answer.headers["x-amz-apigw-id"].endswith("=")
    assert "Server" not in answer.headers
    # BaseHTTPServer names itself: AWS shows that under another name.
    assert answer.headers["x-amzn-Remapped-Server"].startswith("BaseHTTP")
    assert header(backend.last, "X-Forwarded-For") == "127.0.0.1"
    assert header(backend.last, "X-Amzn-Trace-Id").startswith("Root=1-")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_its_body(gateway, backend, verb):
    body = None if verb in ("GET", "OPTIONS") else b'{"name":"Rex"}'
    answer = requests.request(verb, gateway.url + "/all/echo/x", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert (backend.last["method"], backend.last["body"]) == (verb, body or b"")


def test_head_has_the_length_and_no_body(gateway):
    answer = requests.head(gateway.url + "/all/bytes/1234")
    assert (answer.status_code, answer.content) == (200, b"")


def test_an_unknown_path_is_answered_as_aws_does(gateway):
    answer = requests.get(gateway.url + "/nobody")
    assert answer.status_code == 403
    assert answer.content == b'{"message":"Missing Authentication Token"}'
    assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    assert answer.headers["Content-Type"] == "application/json"


def test_mock_answers_without_a_backend(gateway, backend):
    before = len(backend.seen)
    assert requests.get(gateway.url + "/mock").status_code == 200
    assert len(backend.seen) == before


@pytest.mark.parametrize("status", [201, 204, 304, 400, 404, 418, 500, 503])
def test_the_backends_status_is_the_answers(gateway, status):
    assert requests.get(f"{gateway.url}/all/status/{status}").status_code == status


def test_redirects_are_the_clients_to_follow(gateway):
    answer = requests.get(gateway.url + "/all/redirect", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/echo/target")


def test_two_cookies_stay_two_lines(gateway):
    session = requests.Session()
    answer = session.get(gateway.url + "/all/cookies")
    assert answer.status_code == 200
    assert session.cookies.get_dict() == {"one": "1", "two": "2"}


def test_compressed_answers_can_be_read(gateway):
    assert requests.get(gateway.url + "/all/gzip").content == b"squeezed" * 100


@pytest.mark.parametrize("length", [0, 1, 65_536, 3_000_000])
def test_bodies_of_all_sizes_both_ways(gateway, backend, length):
    assert len(requests.get(f"{gateway.url}/all/bytes/{length}").content) == length
    requests.post(gateway.url + "/all/status/200", data=b"y" * length)
    assert backend.last["body"] == b"y" * length


def test_chunked_both_ways(gateway, backend):
    assert requests.get(gateway.url + "/all/chunked/1000").content == b"hello" * 1000
    answer = requests.post(gateway.url + "/all/status/200", data=(b"piece" for _ in range(100)))
    assert (answer.status_code, backend.last["body"]) == (200, b"piece" * 100)


def test_a_body_above_10_mb_is_refused(gateway):
    try:
        answer = requests.post(gateway.url + "/all/status/200", data=b"z" * (10 * 1024 * 1024 + 1))
    except requests.ConnectionError:
        # A client that reads nothing while it sends may see the close first; one that asks sees the answer.
        host, port = gateway.host_and_port
        connection = http.client.HTTPConnection(host, port)
        connection.putrequest("POST", "/all/status/200")
        connection.putheader("Content-Length", str(10 * 1024 * 1024 + 1))
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 413
        return
    assert answer.status_code == 413


def test_a_session_keeps_its_connection(gateway):
    pool = urllib3.HTTPConnectionPool(*gateway.host_and_port, maxsize=1)
    for number in range(50):
        assert pool.request("GET", f"/pets/{number}").status == 200
    assert (pool.num_connections, pool.num_requests) == (1, 50)


def test_a_pool_of_threads(gateway, backend):
    pool = urllib3.HTTPConnectionPool(*gateway.host_and_port, maxsize=8, block=True)

    def ask(number):
        answer = pool.request("GET", f"/all/echo/{number}?n={number}")
        return answer.status == 200 and answer.json()["target"] == f"/echo/{number}?n={number}"

    before = backend.connections
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(400)))
    assert pool.num_connections <= 8
    assert backend.connections - before <= 16, "connections to the backend are pooled"


def test_http_client_keeps_going_after_errors(gateway):
    connection = http.client.HTTPConnection(*gateway.host_and_port)
    statuses = []
    for path in ("/pets/1", "/nobody", "/all/status/404", "/mock", "/pets/2"):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    assert statuses == [200, 403, 404, 200, 200]


def test_expect_100_continue(gateway, backend):
    connection = http.client.HTTPConnection(*gateway.host_and_port)
    connection.putrequest("POST", "/all/status/200")
    connection.putheader("Content-Length", "5")
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    interim = connection.sock.recv(4096)
    assert interim.startswith(b"HTTP/1.1 100 Continue\r\n")
    connection.send(b"hello")
    assert connection.getresponse().status == 200
    assert backend.last["body"] == b"hello"


def test_admin_says_that_it_is_well(gateway):
    assert requests.get(f"http://{gateway.admin_address}/healthz").status_code == 200
    assert requests.get(f"http://{gateway.admin_address}/readyz").status_code == 200
    metrics = requests.get(f"http://{gateway.admin_address}/metrics").text
    assert "weir_count" in metrics and "weir_latency_seconds" in metrics
