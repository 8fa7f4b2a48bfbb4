"""AWS's services behind `AWS` integrations with templates, as people write them (rest/10 section 10.3). moto stands for AWS: what came to
it is read there with boto3."""
import json
import logging

import boto3
import pytest
from moto.server import ThreadedMotoServer

from callers import ACCOUNT, ANYBODY, Running, definition
from conftest import Served
from integrations import REGION, answer, ask, by_path, keys, service, values

AWS = f'[aws]\nendpoint = "<aws>"\n{keys()}'
ASSUME = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:news"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:orders"
QUEUE = f"sqs:path/{ACCOUNT}/orders"
FORM = {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"}
BINARY = {"x-amazon-apigateway-binary-media-types": ["image/png"]}
PNG = b"\x89PNG\r\n\x1a\n\x00\xff" * 1000

PUT_ITEM = """#set($pet = $input.path('$'))
{"TableName": "pets", "Item": {"owner": {"S": "$input.params('owner')"}, "name": {"S": "$pet.name"}, "age": {"N": "$pet.age"}
#if($pet.tags && $pet.tags.size() > 0), "tags": {"SS": [#foreach($tag in $pet.tags)"$tag"#if($foreach.hasNext), #end#end]}#end}}"""
QUERY = """{"TableName": "pets", "KeyConditionExpression": "#o = :o", "ExpressionAttributeNames": {"#o": "owner"},
"ExpressionAttributeValues": {":o": {"S": "$util.escapeJavaScript($input.params('owner'))"}}}"""
PETS = """#set($found = $input.path('$'))
{"count": $found.Count, "pets": [#foreach($item in $found.Items){"name": "$item.name.S", "age": $item.age.N}#if($foreach.hasNext),#end#end]}"""
PUT_EVENTS = """#set($context.requestOverride.header.X-Amz-Target = "AWSEvents.PutEvents")
#set($context.requestOverride.header.Content-Type = "application/x-amz-json-1.1")
{"Entries": [{"Source": "shop", "DetailType": "order", "Detail": "$util.escapeJavaScript($input.json('$'))"}]}"""
JSON_MESSAGE = f"""{{"QueueUrl": "http://sqs.{REGION}.amazonaws.com/{ACCOUNT}/orders", "MessageBody": "$util.escapeJavaScript($input.body)"}}"""


def json_template(text):
    return {"application/json": text}


# AWS takes these by `application/json` too (rest/10 section 10.2, recorded); moto wants the types that its clients send.
JSON_1_0, JSON_1_1 = ({"integration.request.header.Content-Type": f"'application/x-amz-json-{version}'"} for version in ("1.0", "1.1"))


def query(**names):
    return {f"integration.request.querystring.{name}": source for name, source in names.items()}


ERRORS = {**answer(404, "404"), **answer(409, "4\\d\\d", '{"why": $input.json(\'$.message\')}'), **answer(502, "5\\d\\d"), **answer(200)}
METHODS = {
    "/pets/{owner}": {
        "post": service("dynamodb:action/PutItem", requestParameters=dict(JSON_1_0), requestTemplates=json_template(PUT_ITEM),
                        responses={**answer(400, "400"), **answer(200)}),
        "get": service("dynamodb:action/Query", requestParameters=dict(JSON_1_0), requestTemplates=json_template(QUERY), responses=answer(200, None, PETS)),
    },
    "/no-table": {"post": service("dynamodb:action/Query", requestParameters=dict(JSON_1_0), requestTemplates=json_template(QUERY.replace("pets", "none")),
                                  responses={**answer(422, "400", "$input.path('$.__type')"), **answer(200)})},
    "/orders": {"post": service(QUEUE, requestParameters=FORM,
                                requestTemplates=json_template("Action=SendMessage&MessageBody=$util.urlEncode($input.body)"))},
    "/orders-json": {"post": service(QUEUE, requestTemplates=json_template(JSON_MESSAGE), requestParameters={
        "integration.request.header.Content-Type": "'application/x-amz-json-1.0'", "integration.request.header.X-Amz-Target": "'AmazonSQS.SendMessage'"},
        responses=answer(201, None, '{"id": $input.json(\'$.MessageId\')}'))},
    "/orders-action": {"post": service("sqs:action/SendMessage", requestTemplates=json_template(JSON_MESSAGE), requestParameters={
        "integration.request.header.Content-Type": "'application/x-amz-json-1.0'", "integration.request.header.X-Amz-Target": "'AmazonSQS.SendMessage'"})},
    "/news": {"post": service("sns:action/Publish", requestParameters={**FORM, **query(TopicArn=f"'{TOPIC}'", Message="method.request.body.text")})},
    "/news-form": {"post": service("sns:path//", requestParameters=FORM, requestTemplates=json_template(
        f"Action=Publish&TopicArn=$util.urlEncode('{TOPIC}')&Message=$util.urlEncode($input.path('$.text'))"))},
    "/files/{bucket}/{key+}": {
        verb: service("s3:path/{bucket}/{key}", httpMethod=verb.upper(), responses=answers) for verb, answers in {
            "put": {**answer(200, "200", ETag="integration.response.header.ETag"), **answer(502)},
            "get": {**answer(404, "404"), **answer(200, None, Content_Type="integration.response.header.Content-Type")},
            "delete": {**answer(204, "204"), **answer(200)},
        }.items()},
    "/start": {"post": service("states:action/StartExecution", requestParameters=dict(JSON_1_0), responses=ERRORS, requestTemplates=json_template(
        f'{{"stateMachineArn": "{MACHINE}", "input": "$util.escapeJavaScript($input.json(\'$\'))"}}'))},
    "/events": {"post": service("events:action/PutEvents", requestTemplates=json_template(PUT_EVENTS))},
    "/records": {"post": service("kinesis:action/PutRecord", requestParameters=dict(JSON_1_1), requestTemplates=json_template(
        '{"StreamName": "orders", "Data": "$util.base64Encode($input.json(\'$\'))", "PartitionKey": "$context.requestId"}'))},
    "/whoami": {"get": service("sts:action/GetCallerIdentity")},
}


@pytest.fixture(scope="module")
def moto():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    server.url = "http://%s:%d" % server.get_host_and_port()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def account(moto):
    """Clients by the names of services; and all that the definitions name is there."""
    made = {name: boto3.client(name, endpoint_url=moto.url, region_name=REGION, **ANYBODY)
            for name in ("dynamodb", "sqs", "sns", "s3", "stepfunctions", "events", "kinesis", "iam")}
    key = lambda name, kind: {"AttributeName": name, "KeyType": kind}
    made["dynamodb"].create_table(TableName="pets", BillingMode="PAY_PER_REQUEST", KeySchema=[key("owner", "HASH"), key("name", "RANGE")],
                                  AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("owner", "name")])
    for name in ("orders", "readers", "listener"):
        made["sqs"].create_queue(QueueName=name)
    arn = lambda name: f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    made["sns"].create_topic(Name="news")
    made["sns"].subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=arn("readers"))
    made["s3"].create_bucket(Bucket="files")
    made["iam"].create_role(RoleName="steps", AssumeRolePolicyDocument=ASSUME)
    made["stepfunctions"].create_state_machine(name="orders", roleArn=f"arn:aws:iam::{ACCOUNT}:role/steps", definition=json.dumps(
        {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}))
    made["events"].put_rule(Name="orders", EventPattern=json.dumps({"source": ["shop"]}))
    made["events"].put_targets(Rule="orders", Targets=[{"Id": "listener", "Arn": arn("listener")}])
    made["kinesis"].create_stream(StreamName="orders", ShardCount=1)
    return made


@pytest.fixture(scope="module")
def gate(tmp_path_factory, moto, account):
    body = definition(by_path(METHODS), **BINARY)
    running = Running(tmp_path_factory.mktemp("services"), {"": body}, AWS.replace("<aws>", moto.url))
    yield running
    assert running.stop() == 0, "\n".join(running.said)


def post(gate, path, value, status=200):
    got = ask(gate, path, "POST", {"Content-Type": "application/json"}, value if isinstance(value, bytes) else json.dumps(value).encode())
    assert got.status == status, got
    return got


def received(account, queue):
    """The one message that waits there."""
    url = account["sqs"].get_queue_url(QueueName=queue)["QueueUrl"]
    messages = account["sqs"].receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        account["sqs"].delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert len(messages) == 1, messages
    return messages[0]


def test_items_are_put_and_queried(gate, account):
    got = post(gate, "/pets/ada", {"name": "Rex", "age": 3, "tags": ["big", "brown"]})
    assert got.body == b"{}"
    # Recorded: just these, and nothing of the service's.
    names = {name.lower() for name, _ in got.lines}
    assert names == {"connection", "content-length", "content-type", "date", "x-amz-apigw-id", "x-amzn-requestid", "x-amzn-trace-id"}
    assert got.headers["Content-Type"] == "application/json"
    post(gate, "/pets/ada", {"name": "Bo", "age": 1})
    post(gate, "/pets/eve%20o", {"name": "Zoe", "age": 9})
    item = account["dynamodb"].get_item(TableName="pets", Key={"owner": {"S": "ada"}, "name": {"S": "Rex"}})["Item"]
    assert item == {"owner": {"S": "ada"}, "name": {"S": "Rex"}, "age": {"N": "3"}, "tags": {"SS": ["big", "brown"]}}
    assert json.loads(ask(gate, "/pets/ada").body) == {"count": 2, "pets": [{"name": "Bo", "age": 1}, {"name": "Rex", "age": 3}]}
    assert json.loads(ask(gate, "/pets/nobody").body) == {"count": 0, "pets": []}


def test_what_dynamodb_refuses_is_mapped(gate):
    got = post(gate, "/pets/ada", {"name": "", "age": 3}, 400)
    assert "ValidationException" in json.loads(got.body)["__type"]
    assert post(gate, "/no-table", {}, 422).body.endswith(b"ResourceNotFoundException")


@pytest.mark.parametrize("path, status", [("/orders", 200), ("/orders-json", 201), ("/orders-action", 200)])
@pytest.mark.parametrize("body", [b'{"order": "1 & 2", "\xc3\xa4": [1.5, null]}', b"{}"])
def test_messages_are_sent(gate, account, path, status, body):
    got = post(gate, path, body, status)
    message = received(account, "orders")
    assert message["Body"] == body.decode()
    assert message["MessageId"].encode() in got.body and got.headers["Content-Type"] == "application/json"
    if path == "/orders-json":
        assert json.loads(got.body) == {"id": message["MessageId"]}


def test_an_empty_body_is_an_empty_object(gate, account):
    """rest/10 section 10.3, recorded."""
    assert ask(gate, "/orders", "POST").status == 200
    assert received(account, "orders")["Body"] == "{}"


@pytest.mark.parametrize("path", ["/news", "/news-form"])
def test_news_are_published(gate, account, path):
    text = "a b&c=d+é € \"q\" 100%"
    got = post(gate, path, {"text": text})
    told = json.loads(received(account, "readers")["Body"])
    assert (told["Message"], told["TopicArn"]) == (text, TOPIC)
    assert told["MessageId"].encode() in got.body


@pytest.mark.parametrize("path, key", [("a.png", "a.png"), ("a/b/c.png", "a/b/c.png"), ("a%20b.png", "a b.png"), ("%C3%A4%E2%82%AC.png", "ä€.png"),
                                       ("a%2Bb%25.png", "a+b%.png")])
def test_objects_are_put_and_got(gate, account, path, key):
    got = ask(gate, f"/files/files/{path}", "PUT", {"Content-Type": "image/png"}, PNG)
    assert got.status == 200, got
    stored = account["s3"].get_object(Bucket="files", Key=key)
    assert stored["Body"].read() == PNG and stored["ContentType"] == "image/png" and values(got, "ETag") == [stored["ETag"]]
    got = ask(gate, f"/files/files/{path}", headers={"Accept": "image/png"})
    assert (got.status, got.body, got.headers["Content-Type"]) == (200, PNG, "image/png")
    assert ask(gate, f"/files/files/{path}", "DELETE").status == 204
    got = ask(gate, f"/files/files/{path}")
    assert got.status == 404 and b"<Code>NoSuchKey</Code>" in got.body


def test_texts_are_objects_too(gate, account):
    assert ask(gate, "/files/files/text", "PUT", {"Content-Type": "text/plain"}, "ä".encode()).status == 200
    assert account["s3"].get_object(Bucket="files", Key="text")["Body"].read() == "ä".encode()
    got = ask(gate, "/files/files/text")
    # moto writes the charset behind it.
    assert (got.status, got.body, got.headers["Content-Type"].partition(";")[0]) == (200, "ä".encode(), "text/plain")


def test_executions_are_started(gate, account):
    order = {"order": 7, "text": 'a "b" ä'}
    told = json.loads(post(gate, "/start", order).body)
    assert isinstance(told["startDate"], (int, float))
    execution = account["stepfunctions"].describe_execution(executionArn=told["executionArn"])
    assert json.loads(execution["input"]) == order and execution["stateMachineArn"] == MACHINE


def test_events_are_put(gate, account):
    got = post(gate, "/events", {"order": 7, "text": 'a "b"'})
    told = json.loads(got.body)
    assert told["FailedEntryCount"] == 0
    event = json.loads(received(account, "listener")["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == ("shop", "order", {"order": 7, "text": 'a "b"'})
    assert event["id"] == told["Entries"][0]["EventId"]


def test_records_are_put(gate, account):
    told = json.loads(post(gate, "/records", {"order": 7}).body)
    shard = account["kinesis"].get_shard_iterator(StreamName="orders", ShardId=told["ShardId"], ShardIteratorType="TRIM_HORIZON")
    records = account["kinesis"].get_records(ShardIterator=shard["ShardIterator"])["Records"]
    assert [(json.loads(record["Data"]), record["SequenceNumber"]) for record in records] == [({"order": 7}, told["SequenceNumber"])]


def test_whom_aws_takes_the_gateway_for(gate):
    got = ask(gate, "/whoami")
    assert got.status == 200 and b"arn:aws:" in got.body


def test_a_definition_of_the_management_api(tmp_path, moto, account):
    """What Terraform and the like make: `weir serve`, with the settings of AWS in its file."""
    (tmp_path / "weir.toml").write_text(AWS.replace("<aws>", moto.url))
    running = Served(tmp_path / "data", "--config", str(tmp_path / "weir.toml"), "--account-id", ACCOUNT)
    aws = running.client(**ANYBODY)
    api = aws.create_rest_api(name="services")
    owner = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "POST"}
    aws.put_method(**owner, authorizationType="NONE")
    aws.put_integration(**owner, type="AWS", integrationHttpMethod="POST", uri=f"arn:aws:apigateway:{REGION}:{QUEUE}",
                        credentials=f"arn:aws:iam::{ACCOUNT}:role/gateway", requestParameters=FORM,
                        requestTemplates=json_template("Action=SendMessage&MessageBody=$util.urlEncode($input.body)"))
    aws.put_method_response(**owner, statusCode="200")
    aws.put_integration_response(**owner, statusCode="200")
    aws.create_deployment(restApiId=api["id"], stageName="prod")
    got = ask(running, "/prod/", "POST", {"Content-Type": "application/json"}, b'{"by": "hand"}', host=f"{api['id']}.execute-api.{REGION}.amazonaws.com")
    assert got.status == 200, got
    assert received(account, "orders")["Body"] == '{"by": "hand"}'
    assert running.stop() == 0
