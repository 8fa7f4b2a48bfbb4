#!/usr/bin/env python3
"""Writes the seeds: good inputs, and those by which two readers of one stream have been made to disagree.

Names say what is special. `ok-` must be taken; `bad-` must be refused; `any-` may be either, but always the same.
"""
import base64
import pathlib
import zlib

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

VTL = {
    "ok-references": rb"$a $!a ${a} $!{a.b} $a.b.c(1, 'x')[0] $a[-1] \$a \\$a $5 $. $a- $foreach.index",
    "ok-directives": b"#set($x = 1)\n  #set($y = $x + 2)\n#if($x == 1)a#elseif($y)b#{else}c#end\n#foreach($i in [1..3])$i#if($foreach.hasNext),#end#end\n#define($d)[$x]#end$d#macro(m $p)<$p>#end#m($x)#stop",
    "ok-xml": b"#set($d = $util.parseXml('<a b=\"1\"><c>x</c><c/><!-- - --></a>'))$d.a.c[0] $d.a['@b'] $util.toXml($d)$util.toXml({'r': [1]})",
    "ok-input": b"#set($r = $input.path('$'))$r.a.b[1] $input.json('$..c') $input.params('p') $util.escapeJavaScript($input.body) $util.parseJson('[1,{\"a\":2}]')[1].a",
    "ok-methods": b"#set($s = 'h\xc3\xa9llo \xf0\x9f\x98\x80')$s.length() $s.substring(6, 7) $s.replaceAll('(l+)', '<$1>') $s.split('l').size() $s.format('%05d|%.2f|%-5s|', 7, 1.005, 'x') $s.hashCode()",
    "ok-numbers": b"#set($n = 9223372036854775807 * 9223372036854775807)$n #set($n = $n / 0.3)$n #set($n = 7 % -3)$n #set($n = 1e308 * 10)$n",
    "ok-self-containing": b"#set($l = [])#set($q = $l.add($l))$l $l.hashCode() #set($m = {})#set($m.a = {'b': $m})$m",
    "ok-bomb-of-lists": b"#set($l = [1])#foreach($i in [1..60])#set($l = [$l, $l])#end$l",
    "ok-bomb-of-text": b"#set($s = 'aaaa')#foreach($i in [1..60])#set($s = \"$s$s\")#end$s",
    "ok-evaluates-itself": b"#set($t = '#evaluate($t)')#evaluate($t)",
    "ok-evaluates-definitions": b"#evaluate('#define($d)$x#end#macro(m)m#end')#set($x = 1)$d#m()",
    "ok-macro-in-macro": b"#macro(a $x)#b($x)#end#macro(b $x)#a($x)#end#a(1)",
    "ok-definition-of-itself": b"#define($d)x$d#end$d",
    "ok-changed-in-loop": b"#set($l = [1, 2])#foreach($i in $l)#set($q = $l.add(1))#end",
    "ok-escapes": b"\\\\#if(true)\\\\$x\\#end#end \\#foo \\\\\\$y #[[ $x ]]# #* c *# ## d",
    "bad-no-end": b"#if(true)#foreach($i in [1])#end",
    "bad-end-alone": b"#end",
    "bad-operator-in-argument": b"$l.get($i + 1)",
    "bad-deep": b"#if(true)" * 3000,
    "bad-deep-references": b"$a" + b".b($a" * 3000,
    "bad-deep-texts": b"#set($x = " + b"[" * 3000,
    "bad-brace": b"${a",
    "bad-text": b'#set($x = "a',
    "bad-unicode": b'#set($x = "\\u12")',
    "any-dollar-last": b"a $",
    "any-blanks": b"a\r\n  #set($x = 1)  \r\n\t#set($y = 2)\n\r$x  #if(true)\n#end \n",
}

JSON = {
    "ok-body": b'{"id": 7, "name": "Fido", "tags": ["a", "b"], "price": 12.50, "owner": {"ok": true, "none": null}}',
    "ok-unquoted": b"{a: b c, 'd': e}",
    "any-exponent-beyond-when-written": b"[10000000e02147483647]",
    "ok-commas": b'{"a": 1 ,, "b": [1,,2,] , }',
    "ok-trailing": b'{"a": 1} and more',
    "ok-empty": b"",
    "ok-text": b"statusCode: 200",
    "ok-braces-in-key": b"{statusCode: 200,super{ f}oo: [ba r]}",
    "ok-twice": b'{"a":1,"b":2,"a":3}',
    "ok-numbers": b"[0,-0,007,-,2147483648,-2147483649,9223372036854775808,1e3,1E-7,1.0000000000000000000001,1e400,NaN]",
    "ok-large-exponent": b"[1.00000000000000000e2147483647,1.0000000000000000000e-5]",
    "ok-escapes": b'["\\u00e9\\x41\\q\\/\\\'\\ud83d\\ude00\\ud83d","a\tb\\n\x7f"]',
    "ok-protected": "[\"\u007f\u0080\u2028/\"]".encode(),
    "ok-many-keys": b"{" + b",".join(b"k%d:%d" % (n % 40, n) for n in range(60)) + b"}",
    "ok-digits": b"9" * 3000,
    "any-end-character": b'[1,\x1a]',
    "bad-deep": b"[" * 100000,
    "bad-deep-objects": b"{a:" * 3000,
    "bad-open": b'{"a": 1',
    "bad-quotes": b"{\"foo': 1}",
    "bad-key": b"{statusCode: 200, {foo: [ba r]}",
    "bad-unicode": b'"\\u12g4"',
    "bad-exponent": b"[1e+]",
}

JSONPATH = {
    "ok-name": b"a",
    "ok-names": b"$['a','b']",
    "ok-slices": b"$..[-2:]\n[1,[2,[3,4]]]",
    "ok-index": b"$..[0].x\n[{x:1},[{x:2}]]",
    "ok-filter": b"$..[?(@.b == 'c' && !(@.d =~ /x.*/i) || @.e in [1,'y'])]",
    "ok-filter-in-filter": b"$[?(@.a[?(@.b > $.c)])]",
    "ok-functions": b"$..price.avg()\n[{price:1},{price:2.5}]",
    "ok-scans": b"$..*..*..*..*",
    "ok-root-again": b"$..[?($..[?($..[?($..a)])])]",
    "bad-end": b"$.a..",
    "bad-blank": b"$.a b",
    "bad-bracket": b"$['a'",
    "bad-deep": b"$[?(" + b"(" * 2000,
    "bad-parts": b"$" + b".a" * 2000,
    "bad-regex": b"$[?(@.a =~ /(/)]",
    "any-letters": "$.\u00e9['\U0001f600']\n{\u00e9: {'\U0001f600': 1}}".encode(),
}

REGEX = {
    "any-groups": b"(?<x>a)|(b)\n[${x}$2]\naabb",
    "any-nothing": b"x*\n-\nabc",
    "any-line-end": b"$\nx\na\r\n",
    "any-lines": b"(?m)^|$\n>\na\r\nb\n",
    "any-back": b"(a*)*+(?=c)b\n\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "any-reference": b"(a)\\10\\k<x>\n$10\naaa0",
    "any-class": b"[a-z&&[^b]\\d\\Q]\\E-]+\n\nab]-",
    "any-count": b"((a{1000}){1000}){1000}\n\na",
    "any-deep": b"(" * 2000 + b"\n\n",
    "any-replacement": b"a\n\\\na",
    "any-letters": "\\p{L}|\\x{1F600}\n$0$0\n\u00e9\U0001f600".encode(),
}

XML = {
    "ok-soap": b'<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:Get xmlns:m="urn:x"><m:Id>7</m:Id></m:Get></s:Body></s:Envelope>',
    "ok-mixed": b"<a>x<b/>y<b c='1'>z</b> </a>",
    "ok-sections": b"<a><![CDATA[<&]]]]><![CDATA[>]]>&lt;&#65;&#x10FFFF;</a>",
    "ok-blanks": b"<a x=' 1\t2\n'> \r\n </a>",
    "ok-names": "<\u00e4-1.b:c \u00e9=''/>".encode(),
    "bad-doctype": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "bad-laughs": b'<!DOCTYPE l [<!ENTITY a "ll"><!ENTITY b "&a;&a;">]><l>&b;</l>',
    "bad-entity": b"<a>&x;</a>",
    "bad-control": b"<a>&#1;</a>",
    "bad-twice": b"<a x='1' x='2'/>",
    "bad-roots": b"<a/><b/>",
    "bad-open": b"<a><b></a>",
    "bad-deep": b"<a>" * 3000,
    "bad-empty": b"",
}

SCHEMA = {
    "any-empty": b'',
    "bad-all-of-itself": b'{"allOf":[{"$ref":"#"}]}',
    "bad-deep": b'{"not":' * 5000 + b'{' + b'}' * 5001,
    "bad-draft-6": b'{"exclusiveMinimum":1}',
    "bad-file": b'{"$ref":"file:///etc/passwd"}',
    "bad-list": b'[]',
    "bad-not-itself": b'{"definitions":{"a":{"not":{"$ref":"#/definitions/a"}}},"$ref":"#/definitions/a"}',
    "bad-pattern": b'{"pattern":"("}',
    "bad-pattern-large": b'{"pattern":"(((\\\\w{100}){100}){100}){100}"}',
    "bad-ref-circle": b'{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}',
    "bad-ref-itself": b'{"$ref":"#"}',
    "bad-type": b'{"type":"text"}',
    "ok-alternatives": b'{"oneOf":[{"type":"null"},{"anyOf":[{},{}]}],"allOf":[{"not":{"enum":[2]}}]}\n\n2',
    "ok-array": b'{"type":["array","null"],"items":[{"enum":[1,"a",{"b":[]}]}],"additionalItems":false,"uniqueItems":true,"minItems":1,"maxItems":3}\n\n[1,1.0,1e0]',
    "ok-circle": b'{"properties":{"a":{"$ref":"#"},"b":{"$ref":"https://apigateway.amazonaws.com/restapis/a/models/Other"}},"required":["v"]}\n\n{"v":1,"a":{"v":2,"a":{}}}',
    "ok-doubling": b'{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}\n\n' + b'{"a":' * 100 + b'1' + b'}' * 100,
    "ok-itself": b'{"items":{"$ref":"https://apigateway.amazonaws.com/restapis/a/models/Self"}}\n\n[[[[]]]]',
    "ok-lists-hashed": b'{"uniqueItems":true,"items":{"$ref":"#"}}\n\n' + b'[' * 120 + b'1,2,3,4,5' + b']' * 120,
    "ok-look-around": b'{"pattern":"^(?=(a|a)*$)(a|a)*\\\\1b$"}\n\n"' + b'a' * 500 + b'"',
    "ok-members": b'{"patternProperties":{"^x-":{"type":"null"}},"additionalProperties":{"not":{}},"minProperties":1,"dependencies":{"a":["b"],"b":{"required":["c"]}}}\n\n{"x-a":1,"a":2,"b":3}',
    "ok-names": b'{"properties":{"a/b~c%":{"$ref":"#/properties/%22"},"\\"":{"type":"null"}}}\n\n{"a/b~c%":1}',
    "ok-not-doubling": b'{"not":{"anyOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}}\n\n' + b'{"a":' * 90 + b'1' + b'}' * 90,
    "ok-numbers": b'{"minimum":-1e300,"multipleOf":3}\n\n1e99999999999999999999',
    "ok-object": b'{"type":"object","required":["a"],"properties":{"a":{"type":"integer","minimum":1,"maximum":5,"exclusiveMaximum":true,"multipleOf":0.5}}}\n\n{"a":5}',
    "ok-text": b'{"minLength":2,"maxLength":3,"pattern":"^[\\\\w-]+$","format":"ipv4"}\n\n"\\ud83d\\ude00"',
}

MAPPING = {
    "ok-path": b"integration.request.path.id\nmethod.request.path.id",
    "ok-query": b"integration.request.querystring.q\nmethod.request.querystring.q",
    "ok-queries": b"integration.request.querystring.q\nmethod.request.multivaluequerystring.q",
    "ok-header": b"integration.request.header.X-A\nmethod.request.header.X-A",
    "ok-headers": b"integration.request.header.X-A\nmethod.request.multivalueheader.X-A",
    "ok-dots": b"integration.request.header.a.b\nmethod.request.header.a.b",
    "ok-body": b"integration.request.header.x\nmethod.request.body",
    "ok-body-path": b"integration.request.header.x\nmethod.request.body.a[?(@.b == 'c')]..d",
    "ok-context": b"method.response.header.x\ncontext.authorizer.claims.sub",
    "ok-stage-variable": b"method.response.header.x\nstageVariables.x",
    "ok-constant": b"integration.request.header.x\n'it''s \x00 \xc3\xa9'",
    "ok-constant-empty": b"integration.request.header.x\n''",
    "bad-quote": b"integration.request.header.x\n'",
    "bad-plain": b"integration.request.header.x\nplain",
    "bad-location": b"integration.request.cookie.x\nmethod.request.cookie.x",
    "bad-no-name": b"integration.request.header.\nmethod.request.header.",
    "bad-no-location": b"integration.request.x\nmethod.request.",
    "bad-name": b"integration.request.path.a/b\nmethod.request.path.a/b",
    "bad-letters": "integration.request.path.\u00e9\nmethod.request.path.\u00e9".encode(),
    "bad-body-no-path": b"integration.request.header.x\nmethod.request.body.",
    "bad-bodies": b"integration.request.header.x\nmethod.request.bodyless",
    "bad-line-behind": b"integration.request.header.x\nmethod.request.header.x\r\n",
    "bad-response": b"method.response.header.x\nintegration.response.header.x",
    "bad-empty": b"",
}

# Tokens and keys made for this file; the private half of the Ed25519 key is in RFC 8037 A.1, of the others nowhere.
ED_KEYS = b'{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}'
ED_TOKEN = b'eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci50ZXN0Iiwic3ViIjoiYWxpY2UiLCJ0b2tlbl91c2UiOiJpZCIsImF1ZCI6ImNsaWVudCIsImV4cCI6NDEwMjQ0NDgwMCwiaWF0IjoxNjAwMDAwMDAwfQ.i-XpBCnNfm7crqCEs5MTm2A27HoplRCySL1hHojToEmUbscxHcc-L0UAQP30S-OEFkwQkVn18kPvV4KRtA-bDA'
ED_EXPIRED = b'eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci50ZXN0Iiwic3ViIjoiYWxpY2UiLCJ0b2tlbl91c2UiOiJpZCIsImF1ZCI6ImNsaWVudCIsImV4cCI6MTYwMDAwMDA2MCwiaWF0IjoxNjAwMDAwMDAwfQ._hbMpDap6xvU6ziKMhbPYaXf86evL5A9aWCAN1wGWETHhraKkbPbehQApDdwY9hYQS81Y2BffZqatRAFIfPrDQ'
RSA_KEYS = b'{"keys":[{"kty":"RSA","kid":"rsa","alg":"RS256","use":"sig","n":"lwoUYDhPlRX-pjKjuhYZ8VvGBr1YqD_wssMQ889OmVhnhnKnsqxQKTIZZLq74_3pZus_HrXIO75yKLbqZtUxzXQHC9nZMfwH0sES5AE8vyxXW-AtXPTF3UL6exkfNbArr5hhKmLde3UTCTFz57_I6xE_yrpDdQZyywfmVUsSXDZddSj3FAXbnFUcrzUqXRdfGZ2I7dcMSv8YDhVd3v3rtlVVl4bXIBcECzt0YubUNSf5L0kXJpGXqFYfQlknw6npgvptel3S2xXxJ4KE5CjjXAm7fnoDBScH-RCKPomQcZkN0DGr5hS8GxAp-_SCFHnMsmiONPhQC7xFDmXyrQ8O8Q","e":"AQAB"}]}'
RSA_TOKEN = b'eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSJ9.eyJzdWIiOiJhbGljZSJ9.dVgAnK3k9tpV9mxq7t1Spr5bgJLXNFx7dYuolckRssp_c7Tu5uJla09N7q2CF0-oq8w92reKBOstH8SLZuCIDx3g-oRDmjqojaNvDZhyoRPBnn5rlEW5gofIgSFkEI0suqGMFWlrbZ8MFSno7wn-1Ihzguc7ts6atjnPSQ_2P1DmLNYxA1hzZ5-IUDRFkmrIR-CyRvNz1vjB1nJCieYqKBR2BsPHK8UXumQY4n8Y-GSbSA09U6Up5c4txwwf18MSSkA5AgoQPji1l-jwr5OGk94qIm09SpPfZm8svZMDxip6jYxWur1XZ-HnKyPbI1qKl8qi7p_zdjSiY206RlkG-A'
RSA_AS_PS = b'eyJhbGciOiJQUzI1NiIsImtpZCI6InJzYSJ9.eyJzdWIiOiJhbGljZSJ9.hmOnYxJe1-H03XzZV_4U09oJBcMScrVe6bQaXFjpfye2VGSP-UFkcWfJAXPK5FWTUKjn4dYAQ9tX0SD3ApGhBTtzsotQksHnSdvh54Y8wZPeTcGO3-2R2EKFh_46ZBIjjg4mEz4kdTQN5kT1a_7WXrTN3N9uQ-SrKrN_nSb_VKUEz3tDKmFkKs1sH5xEap8pjP34gYCqkcoolubLF3-nSuZHK2J1PzQST95zQu4TM3vvcXGDiqXIfSH7DM15XjB_0v28cYn_3SSNCyQc1mtIi71hOj9cBGmw2Gwv-G2VUGjEHiiGGMKrGpEjUYbTHHv8qJXen-ahePPTre01emmkZw'
EC_KEYS = b'{"keys":[{"kty":"EC","crv":"P-256","kid":"ec","x":"cdbTSVVR_nMh4n0Th4gt5Ywq-7cxzUHvDJ7mdu2KA0w","y":"cjRTqAizgZUJLINhrRk4HHqop6d9V3EvH6Hmcq77pKM"}]}'
EC_TOKEN = b'eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjIn0.eyJzdWIiOiJhbGljZSJ9.Ib4HXIjF6D85CcREnnJYyLoSo06bg_Nl_pkEQtBEuAXsJj2JOAXmznIP6pGobVt7DVEbGCcIuPfb5w6ebvo5Pg'
EC_ASN1 = b'eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjIn0.eyJzdWIiOiJhbGljZSJ9.MEUCICBdybQY5Y56rvE9GZoQdz_dg-ofvATXHiVTO1eB1sKkAiEAxdamrSBP-dY5EoziMUV7rdaBdWqX3ImElm64HOSOVHk'
CRIT = b'eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIiwiY3JpdCI6WyJleHAiXX0.e30.6xINNBVb-2eRxjm4dYt8_DgsMO-yhXRewZSUhP0Kg5qfFanRHM8C1upZZjE1XsgbUS8B7DVibSHNaMdiqcHeAA'
NONE = b'eyJhbGciOiJub25lIiwia2lkIjoiZWQifQ.e30.'
TWICE = b'eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIn0.eyJzdWIiOiJhIiwic3ViIjoiYiJ9.3gM7DcTQbHyJ8GzUCMWCZhKpzuXMUqMrpJm5lArApW9RFY6CyIJSTQ7mOsaWyfL3-fvaTByLSon3Ji9x8dmvDg'

JWT = {
    "ok-ed25519": ED_TOKEN + b"\n\n" + ED_KEYS,
    "ok-rs256": RSA_TOKEN + b"\n\n" + RSA_KEYS,
    "ok-es256": EC_TOKEN + b"\n\n" + EC_KEYS,
    "bad-algorithm-of-key": RSA_AS_PS + b"\n\n" + RSA_KEYS,
    "bad-asn1": EC_ASN1 + b"\n\n" + EC_KEYS,
    "bad-critical": CRIT + b"\n\n" + ED_KEYS,
    "bad-none": NONE + b"\n\n" + ED_KEYS,
    "bad-names-twice": TWICE + b"\n\n" + ED_KEYS,
    "bad-other-keys": ED_TOKEN + b"\n\n" + RSA_KEYS,
    "bad-padding": ED_TOKEN + b"==\n\n" + ED_KEYS,
    "bad-parts": ED_TOKEN + b".e30\n\n" + ED_KEYS,
    "bad-line-end": ED_TOKEN + b"\r\n\n" + ED_KEYS,
    "bad-deep": base64.urlsafe_b64encode(b'{"alg":' + b"[" * 2999) + b".e30.\n\n" + ED_KEYS,
    "bad-symmetric": ED_TOKEN + b'\n\n{"keys":[{"kty":"oct","kid":"ed","k":"AAAA"}]}',
    "bad-keys-twice": ED_TOKEN + b'\n\n{"keys":[],"keys":[]}',
    "bad-exponent": RSA_TOKEN + b"\n\n" + RSA_KEYS.replace(b"AQAB", b"AQ"),
    "bad-no-keys": ED_TOKEN,
    "bad-empty": b"",
}

SIGV4 = b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature="

AUTHORIZATION = {
    "ok-bare": ED_TOKEN,
    "ok-bearer": b"Bearer " + ED_TOKEN,
    "ok-bearer-blanks": b"bEARER  " + ED_TOKEN + b" ",
    "bad-expired": ED_EXPIRED,
    "bad-other-issuer": RSA_TOKEN,
    "bad-bearer-twice": b"Bearer Bearer " + ED_TOKEN,
    "bad-list": ED_TOKEN + b", " + ED_TOKEN,
    "bad-basic": b"Basic YWxpY2U6c2VjcmV0",
    "bad-sigv4": SIGV4 + b"0" * 64,
    "bad-sigv4-short": SIGV4 + b"0",
    "bad-sigv4-no-commas": SIGV4.replace(b",", b"") + b"f" * 64,
    "bad-sigv4-scope": SIGV4.replace(b"/us-east-1", b"") + b"f" * 64,
    "bad-sigv4-letters": SIGV4.replace(b"AKID", b"\xff\x00\xe9") + b"f" * 64,
    "bad-sigv4-parts": b"AWS4-HMAC-SHA256 Credential=,SignedHeaders=,Signature=",
    "bad-empty": b"",
}



def event(length, headers, rest, crc=None, prelude=None):
    """A message with whatever it says of itself; checksums are right unless given."""
    out = length.to_bytes(4, "big") + headers.to_bytes(4, "big")
    out += (zlib.crc32(out) if prelude is None else prelude).to_bytes(4, "big") + rest
    return out + (zlib.crc32(out) if crc is None else crc).to_bytes(4, "big")


def of_headers(headers, payload=b""):
    return event(16 + len(headers) + len(payload), len(headers), headers + payload)


def text(name, value):
    return bytes([len(name)]) + name + b"\x07" + len(value).to_bytes(2, "big") + value


CHUNK = text(b":event-type", b"PayloadChunk") + text(b":content-type", b"application/octet-stream") + text(b":message-type", b"event")
COMPLETE = text(b":event-type", b"InvokeComplete") + text(b":content-type", b"application/json") + text(b":message-type", b"event")
EVENT_STREAM = {
    "ok-empty-message": event(16, 0, b""),
    "ok-answer": of_headers(CHUNK, b"hello") + of_headers(CHUNK, b" world") + of_headers(COMPLETE, b"{}"),
    "ok-types": of_headers(b"\x01a\x00\x01b\x01\x01c\x02x\x01d\x03xx\x01e\x04xxxx\x01f\x05xxxxxxxx\x01g\x06\x00\x01x\x01h\x08xxxxxxxx\x01i\x09xxxxxxxxxxxxxxxx"),
    "bad-half": of_headers(CHUNK, b"hello")[:40],
    "bad-prelude": event(16, 0, b"", prelude=7),
    "bad-checksum": event(16, 0, b"", crc=7),
    "bad-short": event(15, 0, b""),
    "bad-long": event(4097, 0, b""),
    "bad-endless": event(0xFFFFFFFF, 0xFFFFFFFF, b""),
    "bad-headers-beyond": event(20, 5, b"abcd"),
    "bad-name": of_headers(b"\x00\x00"),
    "bad-type": of_headers(b"\x01a\x0a"),
    "bad-value": of_headers(b"\x01a\x07\xff\xffx"),
}

for target, seeds in {"head": HEAD, "chunked": CHUNKED, "uri": URI, "yaml": YAML, "policy": POLICY, "vtl": VTL, "json": JSON, "jsonpath": JSONPATH, "regex": REGEX, "xml": XML, "schema": SCHEMA, "mapping": MAPPING, "jwt": JWT, "authorization": AUTHORIZATION, "event_stream": EVENT_STREAM}.items():
    folder = HERE / target
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, data in seeds.items():
        (folder / name).write_bytes(data)
    print(f"{target}: {len(seeds)} seeds")
