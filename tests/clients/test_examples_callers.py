"""The example of callers answers what its README says."""
import importlib.util
import re
import subprocess
import threading

import requests

from conftest import PATIENCE, ROOT, STARTED, WEIR

FOLDER = ROOT / "examples/callers"


def test_the_example_does_what_its_readme_says():
    spec = importlib.util.spec_from_file_location("function", FOLDER / "function.py")
    function = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(function)
    server = function.http.server.ThreadingHTTPServer(("127.0.0.1", 0), function.Invoke)
    function.Invoke.log_message = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flags = ["--listen", "127.0.0.1:0", "--admin", "off", "--lambda-endpoint", f"http://127.0.0.1:{server.server_address[1]}"]
    gateway = subprocess.Popen([WEIR, "run", "--config", FOLDER / "weir.toml", *flags], stderr=subprocess.PIPE, text=True)
    try:
        url = "http://" + STARTED.match(gateway.stderr.readline())[1]
        shown = (FOLDER / "README.md").read_text()
        asked = re.findall(r"\$ curl (?:-H \"Authorization: (.*?)\" )?http://127.0.0.1:8080(/\S*)\n(.*)\n", shown)
        assert len(asked) == 5
        for authorization, path, expected in asked:
            headers = {"Authorization": authorization} if authorization else {}
            assert requests.get(url + path, headers=headers, timeout=PATIENCE).text.strip() == expected
    finally:
        gateway.terminate()
        gateway.wait()
        server.shutdown()


def test_what_is_asked_of_callers_is_shown_before_anything_starts():
    checked = subprocess.run([WEIR, "check", "--config", FOLDER / "weir.toml"], capture_output=True, text=True, timeout=PATIENCE)
    rows = [line.split()[:3] for line in checked.stdout.splitlines()[3:]]
    assert checked.returncode == 0, checked.stderr
    assert rows == [["GET", "/open", "policy"], ["GET", "/signed", "IAM,"], ["GET", "/function", "function,"]]


def test_a_private_api_without_a_policy_is_refused_at_load(tmp_path):
    file = tmp_path / "api.yaml"
    endpoint = "x-amazon-apigateway-endpoint-configuration: { types: [PRIVATE] }\n"
    file.write_text(endpoint + (ROOT / "examples/local.yaml").read_text())
    checked = subprocess.run([WEIR, "check", file], capture_output=True, text=True, timeout=PATIENCE)
    assert checked.returncode == 1 and "doesn't have a resource policy attached to it" in " ".join((checked.stdout + checked.stderr).split())
