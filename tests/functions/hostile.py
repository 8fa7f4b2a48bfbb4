#!/usr/bin/env python3
"""A custom runtime that does what the event says, most of it wrong."""
import json
import os
import socket
import time
import http.client

HOST, PORT = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
ROOT = "/2018-06-01/runtime/"


def call(method, path, body=None):
    connection = http.client.HTTPConnection(HOST, int(PORT))
    connection.request(method, ROOT + path, body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def garbage():
    with socket.create_connection((HOST, int(PORT))) as raw:
        raw.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        raw.settimeout(5)
        return int(raw.recv(1000).split(b" ")[1])


def many():
    held = []
    for _ in range(100):
        held.append(socket.create_connection((HOST, int(PORT))))
    for one in held:
        one.close()
    return "bounded"


last = None
while True:
    _, headers, event = call("GET", "invocation/next")
    own = headers["Lambda-Runtime-Aws-Request-Id"]
    event = json.loads(event)
    answer = f"invocation/{own}/response"
    if event == "statuses":
        got = {
            "wrong id": call("POST", "invocation/0000/response", "1")[0],
            "next while busy": call("GET", "invocation/next")[0],
            "init error while busy": call("POST", "init/error", "{}")[0],
            "unknown path": call("GET", "../../etc/passwd")[0],
            "garbage": garbage(),
            "too many connections": many(),
        }
        call("POST", answer, json.dumps(got))
        last = call("POST", answer, "2")[0]
    elif event == "last":
        call("POST", answer, json.dumps({"second answer": last}))
    elif event == "half":
        with socket.create_connection((HOST, int(PORT))) as raw:
            raw.sendall(f"POST {ROOT}{answer} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n\"ha".encode())
            time.sleep(0.1)
        for _ in range(50):
            status, _, _ = call("POST", answer, '"whole"')
            if status == 202:
                break
            time.sleep(0.02)
    elif event == "never again":
        call("POST", answer, "1")
        time.sleep(1000)
