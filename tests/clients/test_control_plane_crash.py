"""kill -9 at any moment: what was acknowledged is there, and nothing is half done."""
import json
import random
import threading

import requests

from conftest import Served

ROUNDS = 50


def document(number):
    """An API whose parts all carry one number, so that half of one would be seen."""
    paths = {
        f"/p{part}/{{id}}": {
            "get": {
                "operationId": f"n{number}",
                "responses": {"200": {"description": "ok"}},
                "x-amazon-apigateway-integration": {
                    "type": "mock",
                    "requestTemplates": {"application/json": '{"statusCode": 200}'},
                    "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": str(number)}}},
                },
            }
        }
        for part in range(5)
    }
    return json.dumps({"openapi": "3.0.1", "info": {"title": f"n{number}", "version": str(number)}, "paths": paths})


class Writer(threading.Thread):
    """Replaces the whole API again and again, deploys it, and remembers what was acknowledged."""

    def __init__(self, served, api, number):
        super().__init__(daemon=True)
        self.base, self.number = f"{served.admin_url}/restapis/{api}", number
        self.put = self.deployed = 0

    def run(self):
        with requests.Session() as session:
            try:
                while True:
                    self.number += 1
                    session.put(f"{self.base}?mode=overwrite", data=document(self.number), timeout=10).raise_for_status()
                    self.put = self.number
                    session.post(f"{self.base}/deployments", json={"stageName": "prod"}, timeout=10).raise_for_status()
                    self.deployed = self.number
            except requests.RequestException:
                pass


def test_slow_killed_in_the_middle(tmp_path):
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    folder, api, number = tmp_path / "data", None, 0
    put = deployed = 0
    total = 0
    for round in range(ROUNDS + 1):
        served = Served(folder)
        at = f"seed {seed}, round {round}"
        if api is None:
            created = requests.post(f"{served.admin_url}/restapis?mode=import", data=document(0), timeout=10)
            api = created.json()["id"]
            requests.post(f"{served.admin_url}/restapis/{api}/deployments", json={"stageName": "prod"}, timeout=10).raise_for_status()
        row = requests.get(f"{served.admin_url}/restapis/{api}", timeout=10).json()
        found = int(row["version"])
        # The one that was being written when the process died may have got to the disk; none that was told may be missing.
        assert put <= found <= number, f"{at}: {put} was acknowledged, {found} is there, {number} was sent"
        listed = requests.get(f"{served.admin_url}/restapis/{api}/resources?embed=methods&limit=500", timeout=10).json()["item"]
        names = {method["operationName"] for item in listed for method in item.get("resourceMethods", {}).values()}
        assert names == {f"n{found}"} and len(listed) == 11, f"{at}: half a change: {names}"
        answer = requests.get(f"{served.url}/_aws/execute-api/{api}/prod/p0/x", timeout=10)
        assert answer.status_code == 200, f"{at}: {answer.status_code} {answer.text}"
        assert deployed <= int(answer.text) <= number, at
        if round == ROUNDS:
            assert served.stop() == 0
            break
        writer = Writer(served, api, number := max(found, number))
        writer.start()
        writer.join(chance.uniform(0.02, 0.4))
        served.process.kill()
        served.process.wait()
        writer.join(10)
        number, put, deployed = writer.number, max(found, writer.put), max(int(answer.text), writer.deployed)
        total += 2 * (writer.put - found) if writer.put > found else 0
    assert total > ROUNDS, f"only {total} changes were acknowledged in {ROUNDS} rounds"
