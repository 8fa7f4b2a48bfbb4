"""Functions that Weir runs itself, as their callers see them: warm, in numbers, crashing, killed, hanging, streaming."""
import collections
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import threading

import pytest
import requests

from conftest import PATIENCE, STARTED, WEIR

PYTHON = '''
import json, os, sys, time

def handler(event, context):
    query = event["queryStringParameters"] or {}
    if "sleep" in query:
        time.sleep(float(query["sleep"]))
    if "exit" in query:
        os._exit(3)
    if "raise" in query:
        raise ValueError(query["raise"])
    if "bytes" in query:
        return {"statusCode": 200, "body": "x" * int(query["bytes"])}
    if "wrong" in query:
        return ["no", "answer"]
    if "print" in query:
        for _ in range(int(query["print"])):
            print("y" * 1000)
    if "fork" in query:
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
    told = {"pid": os.getpid(), "path": event["path"], "left": context.get_remaining_time_in_millis(), "env": dict(os.environ)}
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(told)}

def told(event, context):
    return {"event": event, "name": context.function_name}
'''
NODE = '''
export const stream = awslambda.streamifyResponse(async (event, out) => {
  out = awslambda.HttpResponseStream.from(out, { statusCode: 202, headers: { "x-kind": "stream" }, cookies: ["a=1", "b=2"] });
  for (const part of ["one ", "two ", "three"]) out.write(part);
  out.end();
});
'''


def uri(function, version="2015-03-31", api="invocations"):
    return f"arn:aws:apigateway:us-east-1:lambda:path/{version}/functions/arn:aws:lambda:us-east-1:123456789012:function:{function}/{api}"


def method(**integration):
    return {"get": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": {"httpMethod": "POST", **integration}}}


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(own)}" for key, own in value.items()) + " }"
    return json.dumps(value)


class Running:
    """`weir run` with the functions of a weir.toml."""

    def __init__(self, folder, settings):
        (folder / "app.py").write_text(PYTHON)
        (folder / "stream.mjs").write_text(NODE)
        custom = {"default": {"statusCode": "200"}, ".*no such order.*": {"statusCode": "404"}}
        paths = {
            "/proxy": method(type="aws_proxy", uri=uri("app")),
            "/other": method(type="aws_proxy", uri=uri("other")),
            "/custom": method(type="aws", uri=uri("told"), requestTemplates={"application/json": '{"id": "$input.params(\'id\')"}'}, responses=custom),
            "/stream": method(type="aws_proxy", uri=uri("stream", "2021-11-15", "response-streaming-invocations"), responseTransferMode="STREAM"),
        }
        (folder / "api.json").write_text(json.dumps({"openapi": "3.0.1", "info": {"title": "f", "version": "1"}, "paths": paths}))
        entries = {
            "app": {"handler": "app.handler", **settings},
            "other": {"handler": "app.handler"},
            "told": {"handler": "app.told"},
            "stream": {"handler": "stream.stream"},
        }
        text = 'listen = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\n[[apis]]\nfile = "api.json"\n'
        for name, keys in entries.items():
            keys = {"name": name, "dir": ".", "log": f"{name}.log", **keys}
            text += "[[functions]]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in keys.items())
        (folder / "weir.toml").write_text(text)
        # What is Weir's own must not be the functions'.
        environment = {**os.environ, "AWS_SECRET_ACCESS_KEY": "not/for/functions", "SOMETHING_ELSE": "1"}
        self.process = subprocess.Popen([WEIR, "run", "--config", folder / "weir.toml"], stderr=subprocess.PIPE, text=True, env=environment)
        self.lines = []
        started = next(filter(None, map(self.started, self.process.stderr)))
        self.url, self.admin = "http://" + started[1], "http://" + started[2]
        threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True).start()

    def started(self, line):
        self.lines.append(line)
        return STARTED.match(line)

    def get(self, path, session=requests):
        return session.get(self.url + path, timeout=60)

    def counted(self, name):
        return int(re.search(rf"^weir_function_{name} (\d+)", requests.get(self.admin + "/metrics", timeout=PATIENCE).text, re.M)[1])

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("functions"), {"warm": 2, "concurrency": 4, "timeout": "2s", "environment": {"TABLE": "orders"}})
    yield running
    assert running.stop() == 0


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return open(f"/proc/{pid}/stat").read().split()[2] == "Z"


def test_a_handler_is_told_the_event_and_inherits_nothing(here):
    told = here.get("/proxy").json()
    environment = told.pop("env")
    assert told["path"] == "/proxy" and 0 < told["left"] <= 2000
    assert environment["TABLE"] == "orders" and environment["AWS_LAMBDA_FUNCTION_NAME"] == "app" and environment["_HANDLER"] == "app.handler"
    assert not {"AWS_SECRET_ACCESS_KEY", "SOMETHING_ELSE", "WEIR_BIN"} & environment.keys()


@pytest.mark.parametrize(
    "query, status",
    [
        ("?raise=no", 502),
        ("?exit=1", 502),
        ("?sleep=30", 502),
        ("?bytes=7000000", 502),
        ("?wrong=1", 502),
        ("?bytes=5000000", 200),
        ("?print=3000", 200),
        ("?fork=1", 200),
    ],
)
def test_whatever_a_function_does_the_next_call_is_answered(here, query, status):
    answer = here.get("/proxy" + query)
    assert answer.status_code == status
    if status == 502:
        assert answer.text == '{"message": "Internal server error"}' and answer.headers["x-amzn-ErrorType"] == "InternalServerErrorException"
    assert here.get("/proxy").status_code == 200 and here.get("/other").status_code == 200


def test_custom_integrations_select_by_the_error(here):
    assert here.get("/custom?id=7").json() == {"event": {"id": "7"}, "name": "told"}


def test_a_stream_has_a_head_of_its_own_and_goes_in_chunks(here):
    answer = here.get("/stream")
    assert (answer.status_code, answer.text, answer.headers["x-kind"]) == (202, "one two three", "stream")
    assert answer.headers["Transfer-Encoding"] == "chunked" and dict(answer.cookies) == {"a": "1", "b": "2"}


def test_a_hundred_calls_at_once_on_eight_processes_lose_none_and_start_none(tmp_path):
    running = Running(tmp_path, {"warm": 8, "concurrency": 8, "timeout": "20s"})
    try:
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(lambda _: running.get("/proxy?sleep=0.05"), range(100)))
        assert collections.Counter(answer.status_code for answer in answers) == {200: 100}
        assert len({answer.json()["pid"] for answer in answers}) <= 8
        assert running.counted("cold_starts_total") == 0 and running.counted("throttles_total") == 0
    finally:
        assert running.stop() == 0


def test_a_process_that_is_killed_under_load_costs_what_it_had_in_hand(tmp_path):
    running = Running(tmp_path, {"warm": 4, "concurrency": 4, "timeout": "20s"})
    try:
        victim = running.get("/proxy").json()["pid"]
        half = threading.Event()
        failed, pids = [], set()

        def load(number):
            session = requests.Session()
            for at in range(100):
                answer = running.get("/proxy", session)
                if answer.status_code == 200:
                    pids.add(answer.json()["pid"])
                else:
                    failed.append(answer.status_code)
                if number == 0 and at == 50:
                    half.set()

        threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
        [thread.start() for thread in threads]
        assert half.wait(60)
        os.kill(victim, signal.SIGKILL)
        [thread.join() for thread in threads]
        # One at a time is with a process.
        assert len(failed) <= 1 and set(failed) <= {502}
        assert is_gone(victim) and len(pids) <= 5
    finally:
        assert running.stop() == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_weir(tmp_path, how):
    running = Running(tmp_path, {"warm": 2, "concurrency": 2})
    pids = {running.get("/proxy").json()["pid"] for _ in range(4)} | {running.get("/other").json()["pid"]}
    running.process.send_signal(how)
    running.process.wait(timeout=60)
    deadline = threading.Event()
    for _ in range(200):
        if all(map(is_gone, pids)):
            break
        deadline.wait(0.05)
    assert all(map(is_gone, pids))


def test_what_fails_in_init_is_told_at_the_start_and_answered(tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/app.py").write_text("import json\nraise RuntimeError('no table is configured')\n")
    running = Running(tmp_path, {"dir": "broken"})
    try:
        assert any("app" in line and "no table is configured" in line for line in running.lines)
        assert running.get("/proxy").status_code == 502 and running.get("/other").status_code == 200
    finally:
        assert running.stop() == 0
