"""A Lambda authorizer behind what is needed of Lambda's Invoke API: `python3 function.py`, then `lambda-endpoint = "http://127.0.0.1:3001"`."""
import http.server
import json


def handler(event):
    """As it would be on Lambda: whoever is no stranger may call what she asks for."""
    name = event["authorizationToken"].removeprefix("Bearer ")
    if name == "nobody":
        raise Exception("Unauthorized")
    effect = "Deny" if name == "stranger" else "Allow"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {"principalId": name, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, "context": {"tenant": "blue"}}


class Invoke(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        failed = False
        try:
            answer = handler(event)
        except Exception as error:
            failed, answer = True, {"errorMessage": str(error), "errorType": type(error).__name__}
        body = json.dumps(answer).encode()
        self.send_response(200)
        if failed:
            self.send_header("X-Amz-Function-Error", "Unhandled")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", 3001), Invoke).serve_forever()
