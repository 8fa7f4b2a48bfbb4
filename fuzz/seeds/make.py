#!/usr/bin/env python3
"""Writes the seeds: good inputs, and those by which two readers of one stream have been made to disagree.

Names say what is special. `ok-` must be taken; `bad-` must be refused; `any-` may be either, but always the same.
"""
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


def rest(*lines):
    return b"".join(line + b"\r\n" for line in lines) + b"\r\n"


HEAD = {
    "ok-get": GET + rest(),
    "ok-many": GET + rest(b"User-Agent: bench/1.0", b"Accept: */*", b"Authorization: Bearer " + b"a" * 36, b"Cookie: a=b; c=d"),
    "ok-http10": b"GET / HTTP/1.0\r\n\r\n",
    "ok-absolute-form": b"GET http://a.example/pets?x=1 HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "ok-asterisk": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "ok-post-length": POST + rest(b"Content-Length: 3") + b"abc",
    "ok-post-chunked": POST + rest(b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
    "ok-expect": POST + rest(b"Content-Length: 3", b"Expect: 100-continue"),
    "ok-empty-value": GET + rest(b"X-Empty:", b"X-Space:   "),
    "ok-high-bytes-in-value": GET + rest(b"X-Latin: caf\xe9 \xff"),
    "ok-tabs-around-value": GET + rest(b"X-Tab:\t a\tb \t"),
    "ok-pipelined": GET + rest() + GET + rest(),
    "any-same-length-twice": POST + rest(b"Content-Length: 3", b"Content-Length: 3") + b"abc",
    "any-length-list-same": POST + rest(b"Content-Length: 3, 3") + b"abc",
    "any-empty-line-first": b"\r\n" + GET + rest(),
    "bad-cl-te": POST + rest(b"Content-Length: 6", b"Transfer-Encoding: chunked") + b"0\r\n\r\nX",
    "bad-te-cl": POST + rest(b"Transfer-Encoding: chunked", b"Content-Length: 4") + b"5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n",
    "bad-te-te-obscured": POST + rest(b"Transfer-Encoding: chunked", b"Transfer-Encoding: cow") + b"0\r\n\r\n",
    "bad-te-xchunked": POST + rest(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "bad-te-space-before-colon": POST + rest(b"Transfer-Encoding : chunked") + b"0\r\n\r\n",
    "bad-te-tab-in-value": POST + rest(b"Transfer-Encoding:\x0bchunked") + b"0\r\n\r\n",
    "bad-te-identity": POST + rest(b"Transfer-Encoding: identity", b"Content-Length: 3") + b"abc",
    "bad-te-chunked-not-last": POST + rest(b"Transfer-Encoding: chunked, gzip") + b"0\r\n\r\n",
    "bad-te-chunked-twice": POST + rest(b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
    "bad-te-quoted": POST + rest(b'Transfer-Encoding: "chunked"') + b"0\r\n\r\n",
    "bad-te-http10": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad-te-folded": POST + rest(b"Transfer-Encoding:", b" chunked") + b"0\r\n\r\n",
    "bad-lengths-differ": POST + rest(b"Content-Length: 3", b"Content-Length: 5") + b"abcde",
    "bad-length-list-differs": POST + rest(b"Content-Length: 3, 5") + b"abcde",
    "bad-length-plus": POST + rest(b"Content-Length: +3") + b"abc",
    "bad-length-minus": POST + rest(b"Content-Length: -3") + b"abc",
    "bad-length-hex": POST + rest(b"Content-Length: 0x3") + b"abc",
    "bad-length-empty": POST + rest(b"Content-Length:") + b"abc",
    "bad-length-space-inside": POST + rest(b"Content-Length: 1 0") + b"a" * 10,
    "bad-length-overflow": POST + rest(b"Content-Length: 18446744073709551617") + b"a",
    "bad-length-nul": POST + rest(b"Content-Length: 3\x00") + b"abc",
    "bad-fold": GET + rest(b"X-Folded: a", b" b"),
    "bad-fold-tab": GET + rest(b"X-Folded: a", b"\tb"),
    "bad-fold-first-line": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "bad-bare-lf": b"GET / HTTP/1.1\nHost: a\n\n",
    "bad-bare-lf-one-line": GET + b"X: a\nContent-Length: 5\r\n\r\n",
    "bad-bare-cr": GET + b"X: a\rContent-Length: 5\r\n\r\n",
    "bad-lf-lf-end": GET + b"X: a\r\n\n",
    "bad-nul-in-value": GET + rest(b"X: a\x00b"),
    "bad-nul-in-name": GET + rest(b"X\x00: a"),
    "bad-control-in-value": GET + rest(b"X: a\x01b\x7f"),
    "bad-space-before-colon": GET + rest(b"X : a"),
    "bad-space-in-name": GET + rest(b"X Y: a"),
    "bad-no-colon": GET + rest(b"Xabc"),
    "bad-empty-name": GET + rest(b": a"),
    "bad-high-byte-in-name": GET + rest(b"X\xe9: a"),
    "bad-two-hosts": GET + rest(b"Host: b"),
    "bad-no-host": b"GET / HTTP/1.1\r\n\r\n",
    "bad-host-with-path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "bad-host-with-user": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "bad-version-2": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "bad-version-12": b"GET / HTTP/1.12\r\nHost: a\r\n\r\n",
    "bad-version-lower": b"GET / http/1.1\r\nHost: a\r\n\r\n",
    "bad-no-version": b"GET /\r\n\r\n",
    "bad-two-spaces": b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad-tab-for-space": b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad-space-in-target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad-target-high-byte": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad-target-nul": b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad-target-no-slash": b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad-method-comma": b"GE,T / HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad-h2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "bad-tls-hello": bytes.fromhex("16030100a5010000a10303") + bytes(range(32)),
    "bad-many-lines": GET + rest(*[b"X-%d: y" % n for n in range(400)]),
    "bad-long-line": GET + rest(b"X: " + b"y" * 20_000),
    "bad-long-target": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "any-half": GET + b"X-Hal",
    "any-empty": b"",
}

CHUNKED = {
    "ok-one": b"5\r\nhello\r\n0\r\n\r\n",
    "ok-many": b"1\r\na\r\n2\r\nbc\r\nA\r\n0123456789\r\n0\r\n\r\n",
    "ok-empty": b"0\r\n\r\n",
    "ok-zeros": b"000\r\n\r\n",
    "ok-leading-zeros": b"0005\r\nhello\r\n0\r\n\r\n",
    "ok-extension": b"5;name=value\r\nhello\r\n0;last\r\n\r\n",
    "ok-extension-quoted": b'5;a="b;c"\r\nhello\r\n0\r\n\r\n',
    "ok-trailers": b"5\r\nhello\r\n0\r\nX-Sum: 5\r\nX-End: yes\r\n\r\n",
    "ok-upper-and-lower": b"aA\r\n" + b"x" * 0xAA + b"\r\n0\r\n\r\n",
    "ok-then-a-request": b"0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad-size-empty": b"\r\nhello\r\n0\r\n\r\n",
    "bad-size-letters": b"zz\r\nhello\r\n0\r\n\r\n",
    "bad-size-prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "bad-size-plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "bad-size-minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "bad-size-underscore": b"1_0\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n",
    "bad-size-overflow-17": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "bad-size-overflow-f": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "bad-size-long": b"0" * 100_000 + b"5\r\nhello\r\n0\r\n\r\n",
    "bad-space-before-size": b" 5\r\nhello\r\n0\r\n\r\n",
    "any-space-after-size": b"5 \r\nhello\r\n0\r\n\r\n",
    "bad-bare-lf-size": b"5\nhello\n0\n\n",
    "bad-bare-cr-size": b"5\rhello\r\n0\r\n\r\n",
    "bad-lf-in-extension": b"5;a\nhello\r\n0\r\n\r\n",
    "bad-no-line-end-after-data": b"5\r\nhello0\r\n\r\n",
    "bad-two-bytes-for-line-end": b"5\r\nhelloXX0\r\n\r\n",
    "bad-data-longer": b"3\r\nhello\r\n0\r\n\r\n",
    "bad-trailer-fold": b"0\r\nX: a\r\n b\r\n\r\n",
    "bad-trailer-bare-lf": b"0\r\nX: a\n\r\n",
    "any-trailer-framing": b"0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "bad-extension-long": b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    "bad-trailers-many": b"0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    "bad-nul": b"5\x00\r\nhello\r\n0\r\n\r\n",
    "any-one-byte-chunks": b"1\r\na\r\n" * 500 + b"0\r\n\r\n",
    "any-half": b"5\r\nhel",
    "any-empty": b"",
}

URI = {
    "root": b"/", "plain": b"/pets/17", "trailing": b"/pets/17/", "double": b"//pets//17", "query": b"/pets?a=1&b=2&a=3",
    "query-empty": b"/pets?", "query-no-equals": b"/pets?a&b=&=c", "query-semicolon": b"/pets?a=1;b=2", "query-plus": b"/p?a=1+2&b=%2B",
    "query-utf8": "/p?q=%C3%A9&r=\u00e9".encode(), "query-bad-percent": b"/p?q=%zz&r=%2&s=%", "query-question": b"/p?a=b?c=d",
    "slash-encoded": b"/a%2Fb/c", "dot": b"/./a/../b/%2e%2e/c", "nul-encoded": b"/a%00b", "percent-end": b"/a%", "backslash": b"/a\\b",
    "absolute": b"http://a.example:8080/pets?x=1", "absolute-user": b"http://u:p@a/", "absolute-no-path": b"http://a", "https": b"https://[::1]:1/x",
    "authority": b"a.example:443", "asterisk": b"*", "empty": b"", "no-slash": b"pets", "fragment": b"/a#b", "pipe": b"/a?x={a|b}",
    "high": b"/\xff\xfe", "space": b"/a b", "control": b"/a\x01", "long": b"/" + b"a/" * 8000, "long-query": b"/?" + b"a=b&" * 4000,
    "stage": b"/prod/pets/17", "aws-form": b"/_aws/execute-api/abcdef1234/prod/pets", "greedy": b"/proxy/a//b/c%2Bd/",
}

API = b"""openapi: 3.0.1
info: {title: pets, version: "1"}
paths:
  /pets/{petId}:
    get:
      parameters: [{name: petId, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: ok}}
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://127.0.0.1:9001/pets/{petId}
        requestParameters: {integration.request.path.petId: method.request.path.petId}
"""

YAML = {
    "api": API,
    "api-json": b'{"swagger":"2.0","info":{"title":"a","version":"1"},"basePath":"/v1","paths":{"/a":{"get":{"x-amazon-apigateway-integration":{"type":"mock","requestTemplates":{"application/json":"{\\"statusCode\\": 200}"}}}}}}',
    "crlf": API.replace(b"\n", b"\r\n"),
    "bom": b"\xef\xbb\xbf" + API,
    "utf16": API.decode().encode("utf-16"),
    "not-utf8": b"a: \xff\xfe\n",
    "tabs": b"a:\n\tb: c\n",
    "twice": b"a: 1\na: 2\n",
    "merge": b"x: &x {a: 1}\ny: {<<: *x, b: 2}\n",
    "alias-bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(ord("b"), ord("j"))),
    "alias-to-itself": b"a: &a [*a]\n",
    "alias-unknown": b"a: *nothing\n",
    "deep": b"[" * 5000 + b"]" * 5000,
    "deep-map": b"".join(b" " * n + b"a:\n" for n in range(400)),
    "tags": b"a: !Sub 'x ${y}'\nb: !GetAtt [c, d]\nc: !!binary aGk=\n",
    "block-scalars": b"a: |\n  x\n   y\nb: >-\n  folded\n  text\nc: |2\n    z\n",
    "numbers": b"a: 0x1f\nb: 0o17\nc: 1e400\nd: .inf\ne: .nan\nf: 12:30:45\ng: 007\nh: 9999999999999999999999\n",
    "norway": b"a: no\nb: yes\nc: on\nd: ~\ne: null\nf: 'no'\n",
    "many-documents": b"a: 1\n---\nb: 2\n...\n",
    "only-comment": b"# nothing\n",
    "empty": b"",
    "key-list": b"? [a, b]\n: c\n",
    "nul": b"a: \x00\n",
    "unclosed": b"a: {b: [c\n",
    "long-key": b"k" * 70_000 + b": v\n",
    "emoji": "paths: {/\U0001f600: {get: {}}}\n".encode(),
    "anchors-many": b"".join(b"a%d: &a%d 1\n" % (n, n) for n in range(2000)),
}

STATEMENT = b'{"Effect":"Allow","Action":"execute-api:*","Resource":"arn:aws:execute-api:*:*:abcdef1234/*/GET/*"}'
POLICY = {
    "ok-allow": b'{"Version":"2012-10-17","Statement":[' + STATEMENT + b"]}",
    "ok-one-statement": b'{"Statement":' + STATEMENT + b"}",
    "ok-variables": b'{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":"a:b","NotResource":"arn:aws:execute-api:*:*:${aws:username, \'x\'}/${*}"}}',
    "ok-conditions": b'{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringLikeIfExists":{"aws:username":["a*","${aws:userid}"]},"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","::/0"]},"DateLessThan":{"aws:CurrentTime":"2030-01-01"},"Null":{"aws:Referer":true}}}}',
    "bad-effect-twice": b'{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}',
    "bad-operator": b'{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringMatches":{"aws:username":"a"}}}}',
    "bad-key": b'{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:nothing":"a"}}}}',
    "bad-deep": b'{"Statement":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "bad-empty": b"{}",
    "bad-variable-open": b'{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username"}}',
    "any-principal": b'{"Statement":{"Effect":"Allow","Principal":{"AWS":["123456789012","*"]},"Action":"*","Resource":"*"}}',
    "any-glob": b"a*b?c*\na1b2c3b4c5",
    "any-glob-stars": b"*a" * 100 + b"b\n" + b"a" * 300,
    "any-glob-letters": "?*\u00e9\n\u00e8\u00e9".encode(),
}

HOME = b"https://apigateway.amazonaws.com/restapis/a/models/"
# A schema, and behind an empty line a body.
SCHEMA = {
    "ok-object": b'{"type":"object","required":["a"],"properties":{"a":{"type":"integer","minimum":1,"maximum":5,"exclusiveMaximum":true,"multipleOf":0.5}}}\n\n{"a":5}',
    "ok-array": b'{"type":["array","null"],"items":[{"enum":[1,"a",{"b":[]}]}],"additionalItems":false,"uniqueItems":true,"minItems":1,"maxItems":3}\n\n[1,1.0,1e0]',
    "ok-text": b'{"minLength":2,"maxLength":3,"pattern":"^[\\\\w-]+$","format":"ipv4"}\n\n"\\ud83d\\ude00"',
    "ok-members": b'{"patternProperties":{"^x-":{"type":"null"}},"additionalProperties":{"not":{}},"minProperties":1,"dependencies":{"a":["b"],"b":{"required":["c"]}}}\n\n{"x-a":1,"a":2,"b":3}',
    "ok-alternatives": b'{"oneOf":[{"type":"null"},{"anyOf":[{},{}]}],"allOf":[{"not":{"enum":[2]}}]}\n\n2',
    "ok-circle": b'{"properties":{"a":{"$ref":"#"},"b":{"$ref":"' + HOME + b'Other"}},"required":["v"]}\n\n{"v":1,"a":{"v":2,"a":{}}}',
    "ok-itself": b'{"items":{"$ref":"' + HOME + b'Self"}}\n\n[[[[]]]]',
    "ok-doubling": b'{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}\n\n' + b'{"a":' * 100 + b"1" + b"}" * 100,
    "ok-not-doubling": b'{"not":{"anyOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}}\n\n' + b'{"a":' * 90 + b"1" + b"}" * 90,
    "ok-lists-hashed": b'{"uniqueItems":true,"items":{"$ref":"#"}}\n\n' + b"[" * 120 + b"1,2,3,4,5" + b"]" * 120,
    "ok-look-around": b'{"pattern":"^(?=(a|a)*$)(a|a)*\\\\1b$"}\n\n"' + b"a" * 500 + b'"',
    "ok-numbers": b'{"minimum":-1e300,"multipleOf":3}\n\n1e99999999999999999999',
    "ok-names": b'{"properties":{"a/b~c%":{"$ref":"#/properties/%22"},"\\"":{"type":"null"}}}\n\n{"a/b~c%":1}',
    "bad-ref-itself": b'{"$ref":"#"}',
    "bad-ref-circle": b'{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}',
    "bad-all-of-itself": b'{"allOf":[{"$ref":"#"}]}',
    "bad-not-itself": b'{"definitions":{"a":{"not":{"$ref":"#/definitions/a"}}},"$ref":"#/definitions/a"}',
    "bad-file": b'{"$ref":"file:///etc/passwd"}',
    "bad-type": b'{"type":"text"}',
    "bad-pattern": b'{"pattern":"("}',
    "bad-pattern-large": b'{"pattern":"(((\\\\w{100}){100}){100}){100}"}',
    "bad-draft-6": b'{"exclusiveMinimum":1}',
    "bad-list": b"[]",
    "bad-deep": b'{"not":' * 5000 + b"{}" + b"}" * 5000,
    "any-empty": b"",
}

for target, seeds in {"head": HEAD, "chunked": CHUNKED, "uri": URI, "yaml": YAML, "policy": POLICY, "schema": SCHEMA}.items():
    folder = HERE / target
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, data in seeds.items():
        (folder / name).write_bytes(data)
    print(f"{target}: {len(seeds)} seeds")
