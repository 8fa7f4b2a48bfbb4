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
