"""An issuer of JSON web tokens that rotates its keys, hangs, lies and fails as a test wants it to."""
import base64
import http.server
import json
import threading
import time

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils


def encoded(data):
    if isinstance(data, dict):
        data = json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length=None):
    return encoded(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


class RsaKey:
    algorithm = "RS256"

    def __init__(self, kid, bits=2048):
        self.kid, self.private = kid, rsa.generate_private_key(65537, bits)

    @property
    def public(self):
        numbers = self.private.public_key().public_numbers()
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": self.algorithm, "n": number(numbers.n), "e": number(numbers.e)}

    def sign(self, data):
        return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())


class EcKey:
    algorithm = "ES256"

    def __init__(self, kid):
        self.kid, self.private = kid, ec.generate_private_key(ec.SECP256R1())

    @property
    def public(self):
        numbers = self.private.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "alg": self.algorithm, "x": number(numbers.x, 32), "y": number(numbers.y, 32)}

    def sign(self, data):
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class SecretKey:
    """HS256 with whatever secret: what is public of a key, above all."""

    algorithm = "HS256"

    def __init__(self, kid, secret):
        self.kid, self.secret = kid, secret

    def sign(self, data):
        mac = hmac.HMAC(self.secret, hashes.SHA256())
        mac.update(data)
        return mac.finalize()


class NoKey:
    algorithm = "none"

    def __init__(self, kid):
        self.kid = kid

    def sign(self, _):
        return b""


def token(key, claims, **header):
    head = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT", **header}
    text = f"{encoded({name: value for name, value in head.items() if value is not None})}.{encoded(claims)}"
    return f"{text}.{encoded(key.sign(text.encode()))}"


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):
        issuer = self.server.issuer
        issuer.asked.append(self.path)
        status, body = issuer.answer(self.path)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Whoever does not wait is part of a test."""


class Issuer:
    """`keys` are those that it publishes; what is in `pages` it answers instead, and behind `gate` it waits."""

    def __init__(self, *keys):
        self.keys, self.asked, self.pages = list(keys), [], {}
        self.gate = threading.Event()
        self.gate.set()
        self.server = Server(("127.0.0.1", 0), Pages)
        self.server.issuer = self
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.server.server_address[1]

    def answer(self, path):
        self.gate.wait(60)
        if path in self.pages:
            return self.pages[path]
        if path == "/keys":
            return 200, {"keys": [key.public for key in self.keys]}
        if path == "/.well-known/openid-configuration":
            return 200, {"issuer": self.url, "jwks_uri": self.url + "/keys"}
        return 404, {}

    def claims(self, **changed):
        """Of an ID token that is good for an hour; a claim that is None is left out."""
        now = int(time.time())
        claims = {"iss": self.url, "sub": "ada", "aud": "web", "token_use": "id", "iat": now, "exp": now + 3600, **changed}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key=None, **changed):
        return token(key or self.keys[0], self.claims(**changed))

    def close(self):
        self.gate.set()
        self.server.shutdown()


def pool_arn(pool):
    return f"arn:aws:cognito-idp:us-east-1:123456789012:userpool/{pool}"


def pools(*ids, **members):
    """A security scheme of user pools."""
    said = {"type": "cognito_user_pools", "providerARNs": [pool_arn(pool) for pool in ids], **members}
    return {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "cognito_user_pools",
            "x-amazon-apigateway-authorizer": said}
