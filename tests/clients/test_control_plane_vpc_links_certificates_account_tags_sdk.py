"""What is not below an API: VPC links, client certificates, the account, tags, SDK types; and access associations."""
import datetime
import time

import pytest

from cases import ABSENT, ANY, Refused, bad, bad_ops, check, missing, pages, patch

BALANCER = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/x/1"
NO_LINK = missing("Invalid Vpc Link identifier specified")
NO_CERTIFICATE = missing("Invalid Client Certificate identifier specified")


def test_vpc_links(aws, known):
    one = {"vpcLinkId": "<link>"}
    operations, violated = bad_ops("VpcLink")
    check(aws, known, [
        ("create_vpc_link", {"name": "l", "description": "d", "targetArns": [BALANCER], "tags": {"A": "1"}},
         {"id": lambda id: len(id) == 6, "name": "l", "description": "d", "targetArns": [BALANCER], "status": "PENDING", "tags": {"A": "1"}}, {"link": "id"}),
        ("create_vpc_link", {"name": "l", "targetArns": [BALANCER]}, {"description": ABSENT, "tags": ABSENT}, {"second": "id"}),
        ("create_vpc_link", {"name": "l", "targetArns": [BALANCER]}, {}, {"third": "id"}),
        ("create_vpc_link", {"name": "l", "targetArns": ["nonsense"]}, bad("Invalid ARN. ARN is not well formed nonsense")),
        ("create_vpc_link", {"name": "", "targetArns": [BALANCER]}, bad("Name cannot be empty")),
        ("create_vpc_link", {"name": "l"}, Refused("ValidationException", ANY)),
        ("update_vpc_link", {**one, **patch("replace", "/name", "new")}, {"name": "new"}),
        ("update_vpc_link", {**one, **patch("replace", "/description", "new")}, {"description": "new", "tags": {"A": "1"}}),
        ("update_vpc_link", {**one, **patch("replace", "/name", "")}, bad("Name cannot be empty")),
        ("update_vpc_link", {**one, **patch("replace", "/targetArns", "x")}, bad()),
        *[("update_vpc_link", {**one, **patch(op, path, "x")}, bad()) for op in ("add", "remove", "copy", "move", "test") for path in ("/name", "/description")],
        ("update_vpc_link", {**one, **operations}, violated),
        *[(operation, {"vpcLinkId": "abcdef", **more}, NO_LINK) for operation, more in (
            ("get_vpc_link", {}), ("delete_vpc_link", {}), ("update_vpc_link", patch("replace", "/name", "x")))],
    ])
    end = time.monotonic() + 10
    while aws.get_vpc_link(vpcLinkId=known["second"])["status"] != "AVAILABLE":
        assert time.monotonic() < end
        time.sleep(0.05)
    check(aws, known, [("get_vpc_link", {"vpcLinkId": "<second>"}, {
        "status": "AVAILABLE", "statusMessage": "Your vpc link is ready for use", "tags": lambda found: found == {}})])
    pages(aws, "get_vpc_links", {}, "id", 3)
    for name in ("link", "second", "third"):
        check(aws, known, [("delete_vpc_link", {"vpcLinkId": f"<{name}>"}, {}), ("delete_vpc_link", {"vpcLinkId": f"<{name}>"}, NO_LINK)])


def test_client_certificates(aws, known):
    one = {"clientCertificateId": "<certificate>"}
    operations, violated = bad_ops("ClientCertificate")
    check(aws, known, [
        ("generate_client_certificate", {"description": "d", "tags": {"A": "1"}}, {
            "clientCertificateId": lambda id: len(id) == 6, "description": "d", "tags": {"A": "1"},
            "pemEncodedCertificate": lambda text: text.startswith("-----BEGIN CERTIFICATE-----"),
            "createdDate": lambda date: isinstance(date, datetime.datetime), "expirationDate": lambda date: date.year > 2026}, {"certificate": "clientCertificateId"}),
        ("generate_client_certificate", {}, {"description": ABSENT}, {"second": "clientCertificateId"}),
        ("generate_client_certificate", {}, {}, {"third": "clientCertificateId"}),
        ("get_client_certificate", one, {"description": "d"}),
        ("update_client_certificate", {**one, **patch("replace", "/description", "new")}, {"description": "new"}),
        *[("update_client_certificate", {**one, **patch(op, "/description", "x")}, bad()) for op in ("add", "remove", "copy", "move", "test")],
        ("update_client_certificate", {**one, **patch("replace", "/nothing", "x")}, bad()),
        ("update_client_certificate", {**one, **operations}, violated),
        *[(operation, {"clientCertificateId": "abcdef", **more}, NO_CERTIFICATE) for operation, more in (
            ("get_client_certificate", {}), ("delete_client_certificate", {}), ("update_client_certificate", patch("replace", "/description", "x")))],
    ])
    pages(aws, "get_client_certificates", {}, "clientCertificateId", 3)
    for name in ("certificate", "second", "third"):
        one = {"clientCertificateId": f"<{name}>"}
        check(aws, known, [("delete_client_certificate", one, {}), ("delete_client_certificate", one, NO_CERTIFICATE)])


def test_the_account(aws, known):
    role = "arn:aws:iam::000000000000:role/logs"
    operations, violated = bad_ops("Account")
    check(aws, known, [
        ("get_account", {}, {"throttleSettings": {"burstLimit": 5000, "rateLimit": 10000.0}, "features": ["UsagePlans"], "apiKeyVersion": "4"}),
        ("update_account", patch("replace", "/cloudwatchRoleArn", role), {"cloudwatchRoleArn": role}),
        ("get_account", {}, {"cloudwatchRoleArn": role}),
        ("update_account", patch("replace", "/cloudwatchRoleArn", "nonsense"), bad()),
        *[("update_account", patch(op, "/cloudwatchRoleArn", role), bad()) for op in ("add", "remove", "copy", "move", "test")],
        ("update_account", patch("add", "/features", "UsagePlans"), {"features": ["UsagePlans"]}),
        ("update_account", patch("remove", "/features", "UsagePlans"), bad()),
        ("update_account", patch("replace", "/features", "UsagePlans"), bad()),
        ("update_account", patch("replace", "/nothing", "x"), bad()),
        ("update_account", operations, violated),
        ("update_account", patch("replace", "/cloudwatchRoleArn", ""), {"cloudwatchRoleArn": ABSENT}),
    ])


@pytest.mark.parametrize("kind", ["restapis", "stages", "apikeys", "usageplans", "domainnames", "vpclinks", "clientcertificates"])
def test_tags(aws, known, kind):
    def made(operation, member, **arguments):
        return getattr(aws, operation)(**arguments)[member]

    path, undo = {
        "restapis": lambda: (f"restapis/{known['api']}", None),
        "stages": lambda: (f"restapis/{known['api']}/stages/{stage(aws, known)}", None),
        "apikeys": lambda: (f"apikeys/{made('create_api_key', 'id')}", lambda id: aws.delete_api_key(apiKey=id)),
        "usageplans": lambda: (f"usageplans/{made('create_usage_plan', 'id', name='p')}", lambda id: aws.delete_usage_plan(usagePlanId=id)),
        "domainnames": lambda: ("domainnames/" + made("create_domain_name", "domainName", domainName="tags.example.com", regionalCertificateArn="arn:aws:acm:us-east-1:000000000000:certificate/x", endpointConfiguration={"types": ["REGIONAL"]}), lambda name: aws.delete_domain_name(domainName=name)),
        "vpclinks": lambda: (f"vpclinks/{made('create_vpc_link', 'id', name='l', targetArns=[BALANCER])}", lambda id: aws.delete_vpc_link(vpcLinkId=id)),
        "clientcertificates": lambda: (f"clientcertificates/{made('generate_client_certificate', 'clientCertificateId')}", lambda id: aws.delete_client_certificate(clientCertificateId=id)),
    }[kind]()
    arn = {"resourceArn": f"arn:aws:apigateway:us-east-1::/{path}"}
    check(aws, known, [
        ("get_tags", arn, {"tags": lambda found: found == {}}),
        ("tag_resource", {**arn, "tags": {"Team": "x", "team": "y"}}, {}),
        ("tag_resource", {**arn, "tags": {"Team": "z"}}, {}),
        ("get_tags", arn, {"tags": {"Team": "z", "team": "y"}}),
        ("untag_resource", {**arn, "tagKeys": ["team", "nobody"]}, {}),
        ("get_tags", arn, {"tags": lambda found: found == {"Team": "z"}}),
        ("tag_resource", {**arn, "tags": {"aws:x": "y"}}, bad()),
        ("tag_resource", {**arn, "tags": {"k" * 129: "y"}}, bad()),
        ("tag_resource", {**arn, "tags": {"k": "y" * 257}}, bad()),
        ("tag_resource", {**arn, "tags": {f"k{n}": "y" for n in range(50)}}, bad()),
        ("tag_resource", arn, Refused("ValidationException", ANY)),
        ("tag_resource", {"resourceArn": arn["resourceArn"] + "x", "tags": {"a": "b"}}, missing()),
        ("get_tags", {"resourceArn": "nonsense"}, bad()),
    ])
    if undo:
        undo(path.rpartition("/")[2])


def stage(aws, known):
    owner = {"restApiId": known["api"], "resourceId": known["root"], "httpMethod": "GET"}
    aws.put_method(**owner, authorizationType="NONE")
    aws.put_integration(**owner, type="HTTP_PROXY", integrationHttpMethod="GET", uri="http://127.0.0.1:9/")
    aws.create_deployment(restApiId=known["api"], stageName="prod")
    return "prod"


def test_sdk_types(aws, known):
    stage(aws, known)
    assert {"javascript", "java", "ruby"} <= set(pages(aws, "get_sdk_types", {}, "id", 5))
    check(aws, known, [
        ("get_sdk_type", {"id": "java"}, {"id": "java", "configurationProperties": lambda found: len(found) >= 3}),
        ("get_sdk_type", {"id": "cobol"}, missing()),
        ("get_sdk", {"restApiId": "<api>", "stageName": "prod", "sdkType": "javascript"}, bad()),
    ])
