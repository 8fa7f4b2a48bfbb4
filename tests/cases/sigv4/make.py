#!/usr/bin/env python3
"""Signs requests with botocore and writes them down as `botocore.json`: what a real client sends, as data.

    python3 tests/cases/sigv4/make.py > tests/cases/sigv4/botocore.json
"""
import datetime
import json
import sys
from urllib.parse import urlsplit

import botocore.auth
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime.datetime(2015, 8, 30, 12, 36, 0)


def frozen(*_arguments, **_named):
    return NOW


if hasattr(botocore.auth, "get_current_datetime"):
    botocore.auth.get_current_datetime = frozen
else:

    class Frozen(datetime.datetime):
        utcnow = classmethod(frozen)

    botocore.auth.datetime.datetime = Frozen

JSON = {"Content-Type": "application/json"}
BASE = "http://localhost:9900"
TAGS = "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Fabc"
# name, service, region, method, url, headers, body, session token, seconds of a presigned request
CASES = [
    ("get-rest-apis", "apigateway", "us-east-1", "GET", BASE + "/restapis", {"Accept": "application/json"}, "", None, None),
    ("create-rest-api", "apigateway", "eu-west-3", "POST", BASE + "/restapis", JSON, '{"name": "pets"}', None, None),
    ("tag-resource", "apigateway", "us-east-1", "PUT", BASE + TAGS, JSON, '{"tags": {"a": "b"}}', None, None),
    ("untag-resource", "apigateway", "us-east-1", "DELETE", BASE + TAGS + "?tagKeys=a%20b&tagKeys=a", {}, "", None, None),
    ("no-base-path", "apigateway", "us-east-1", "GET", BASE + "/domainnames/d.com/basepathmappings/%28none%29", {}, "", None, None),
    ("v2-route-settings", "apigateway", "us-east-1", "DELETE", BASE + "/v2/apis/a/stages/%24default/routesettings/GET%20%2Fpets%2F%7Bid%7D", {}, "", None, None),
    ("export", "apigateway", "us-east-1", "GET", BASE + "/restapis/abc/stages/prod/exports/oas30?extensions=integrations%2Cauthorizers", {"Accept": "application/yaml"}, "", None, None),
    ("put-rest-api", "apigateway", "us-east-1", "PUT", BASE + "/restapis/abc?mode=overwrite&failonwarnings=true&basepath=prepend", {}, "openapi: 3.0.1\n", None, None),
    ("caller-identity", "sts", "us-east-1", "POST", BASE + "/", {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, "Action=GetCallerIdentity&Version=2011-06-15", None, None),
    ("session-token", "apigateway", "us-east-1", "GET", BASE + "/account", {}, "", "TOKEN/abc==", None),
    ("post-to-connection", "execute-api", "us-east-1", "POST", "https://a.execute-api.us-east-1.amazonaws.com/prod/@connections/L0SM9cOFvHcCIhw%3D", {}, "raw \u00e9", None, None),
    ("default-port", "execute-api", "us-east-1", "GET", "https://a.execute-api.us-east-1.amazonaws.com:443/prod/", {}, "", None, None),
    ("slashes-and-dots", "execute-api", "us-east-1", "GET", "http://h/prod//a/./b/../c/", {}, "", None, None),
    ("query-order", "execute-api", "us-east-1", "GET", "http://h/?b=2&a-b=1&a=2&a=1&A=3&~=4&e=", {}, "", None, None),
    ("blanks-in-values", "execute-api", "us-east-1", "GET", "http://h/", {"X-Multi": "  a   b  ", "X-Empty": ""}, "", None, None),
    ("user-agent-is-not-signed", "execute-api", "us-east-1", "GET", "http://h/", {"User-Agent": "Boto3/1"}, "", None, None),
    ("presigned", "execute-api", "us-east-1", "GET", "https://a.execute-api.us-east-1.amazonaws.com/prod/pets?b=2&a=1", {}, "", None, 300),
    ("presigned-path", "execute-api", "eu-west-1", "GET", "http://localhost:8080/prod/pets/a%20b%2Fc", {}, "", "TOKEN/abc==", 604800),
]


def record(name, service, region, method, url, headers, body, token, expires):
    credentials = Credentials(ACCESS_KEY, SECRET_KEY, token)
    request = AWSRequest(method=method, url=url, headers=headers, data=body.encode())
    if expires is None:
        SigV4Auth(credentials, service, region).add_auth(request)
    else:
        SigV4QueryAuth(credentials, service, region, expires=expires).add_auth(request)
    prepared = request.prepare()
    parts = urlsplit(prepared.url)
    port = {"http": 80, "https": 443}[parts.scheme]
    host = parts.hostname if parts.port in (None, port) else parts.netloc
    sent = [["Host", host]] + [[name, value] for name, value in sorted(prepared.headers.items())]
    decoded = lambda value: value.decode() if isinstance(value, bytes) else value
    return {
        "name": name, "service": service, "region": region, "method": method, "path": parts.path,
        "query": parts.query, "headers": [[name, decoded(value)] for name, value in sent if name != "Content-Length"],
        "body": body,
    }


json.dump([record(*case) for case in CASES], sys.stdout, indent=1)
print()
