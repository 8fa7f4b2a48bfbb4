"""What stands for AWS where signatures matter: it verifies each by botocore's own signer, in the way of AWS's side, and keeps what came."""
import hashlib
import http.server
import json
import threading
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from callers import secret_of


class Side(SigV4Auth):
    """AWS's side of a signature: of the headers that the other side names, and a path and a query that are read and written again."""

    def __init__(self, credentials, service, region, signed):
        super().__init__(credentials, service, region)
        self.signed, self.is_s3 = signed, service == "s3"

    def headers_to_sign(self, request):
        return {name.lower(): value for name, value in request.headers.items() if name.lower() in self.signed}

    def canonical_headers(self, headers):
        return "\n".join(f"{name}:{' '.join(value.split())}" for name, value in sorted(headers.items()))

    def signed_headers(self, headers):
        return ";".join(sorted(headers))

    def _normalize_url_path(self, path):
        # S3 alone takes a path as it is; elsewhere it is normalised, and encoded once more.
        return urllib.parse.quote(urllib.parse.unquote(path), safe="/~") if self.is_s3 else super()._normalize_url_path(path)

    def canonical_query_string(self, request):
        pairs = [pair.partition("=")[::2] for pair in urllib.parse.urlsplit(request.url).query.split("&") if pair]
        again = lambda text: urllib.parse.quote(urllib.parse.unquote(text), safe="-_.~")
        return "&".join(f"{name}={value}" for name, value in sorted((again(name), again(value)) for name, value in pairs))


def wrong_with(request, secrets, tokens):
    """What a service of AWS would say against a signature; nothing where it is good."""
    # http.server reads bytes of a head as Latin-1; they are signed as they are.
    lines = {name.lower(): value.encode("latin-1").decode("utf-8", "replace") for name, value in request["lines"]}
    if len(lines) != len(request["lines"]):
        return "a header twice"
    kind, _, rest = lines.get("authorization", "").partition(" ")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if kind != "AWS4-HMAC-SHA256" or set(parts) != {"Credential", "SignedHeaders", "Signature"}:
        return "no signature"
    key, date, region, service, end = parts["Credential"].split("/")
    signed = parts["SignedHeaders"].split(";")
    moment = lines.get("x-amz-date", "")
    if end != "aws4_request" or not moment.startswith(date) or signed != sorted(signed):
        return "a scope that is none"
    if not {"host", "x-amz-date"} <= set(signed) or {name for name in lines if name.startswith("x-amz-")} - set(signed):
        return "a header that must be signed, and is not"
    if key not in secrets:
        return "a key that nobody has"
    if lines.get("x-amz-security-token") != tokens.get(key):
        return "the token of a session"
    hashed = hashlib.sha256(request["body"]).hexdigest()
    if lines.get("x-amz-content-sha256", hashed) != hashed or service == "s3" and "x-amz-content-sha256" not in lines:
        return "the hash of the body"
    side = Side(Credentials(key, secrets[key]), service, region, signed)
    again = AWSRequest(method=request["method"], url=f"http://{lines['host']}{request['target']}", data=request["body"], headers=lines)
    again.context["timestamp"] = moment
    expected = side.signature(side.string_to_sign(again, side.canonical_request(again)), again)
    return "" if expected == parts["Signature"] else "the signature of\n" + side.canonical_request(again)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = {"method": self.command, "target": self.path, "lines": self.headers.items(), "body": body}
        request["wrong"] = wrong_with(request, self.server.secrets, self.server.tokens)
        scope = self.headers.get("Authorization", "").partition("Credential=")[2].partition(",")[0].split("/")
        request["key"], request["scope"] = scope[0], "/".join(scope[2:4])
        request["headers"] = dict(request["lines"])
        self.server.seen.append(request)
        status, text = (403, {"__type": "SignatureDoesNotMatch", "message": request["wrong"]}) if request["wrong"] else self.server.said(request)
        text = text if isinstance(text, bytes) else json.dumps(text).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("x-amzn-RequestId", "84ea9398-51e3-4c28-812c-101ec193e4cf")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, *_):
        pass


for verb in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"):
    setattr(Handler, f"do_{verb}", Handler.answer)


class Services(http.server.ThreadingHTTPServer):
    """`secrets` and `tokens` by access keys; `said` is what a service answers to a signed request."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *keys):
        super().__init__(("127.0.0.1", 0), Handler)
        self.secrets, self.tokens, self.seen = {key: secret_of(key) for key in keys}, {}, []
        self.said = lambda request: (200, {"ok": True})
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """Whoever does not wait is part of a test."""

    @property
    def address(self):
        return "127.0.0.1:%d" % self.server_address[1]

    @property
    def url(self):
        return f"http://{self.address}"

    @property
    def last(self):
        return self.seen[-1]


def assumed(key, token, expires, secret=None):
    """What STS says of a role that was taken."""
    members = f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret or secret_of(key)}</SecretAccessKey><SessionToken>{token}</SessionToken>"
    members += f"<Expiration>{expires:%Y-%m-%dT%H:%M:%SZ}</Expiration>"
    return (f'<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>{members}</Credentials>'
            "</AssumeRoleResult></AssumeRoleResponse>").encode()
