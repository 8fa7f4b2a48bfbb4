"""Custom domains, their base path mappings, and of apigatewayv2 API mappings and routing rules."""
import pytest

from cases import ABSENT, ANY, Refused, bad, bad_ops, check, conflict, missing, pages, patch

NO_DOMAIN = missing("Invalid domain name identifier specified")
NO_MAPPING = missing("Invalid base path mapping identifier specified")
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/x"
REGIONAL = {"endpointConfiguration": {"types": ["REGIONAL"]}, "regionalCertificateArn": CERTIFICATE}
D = "shop.example.com"


@pytest.fixture
def staged(aws, known):
    owner = {"restApiId": known["api"], "resourceId": known["root"], "httpMethod": "GET"}
    aws.put_method(**owner, authorizationType="NONE")
    aws.put_integration(**owner, type="HTTP_PROXY", integrationHttpMethod="GET", uri="http://127.0.0.1:9/")
    for stage in ("prod", "test"):
        aws.create_deployment(restApiId=known["api"], stageName=stage)
    yield known
    for domain in aws.get_domain_names(limit=500)["items"]:
        aws.delete_domain_name(domainName=domain["domainName"])


@pytest.fixture
def domain(aws, staged):
    aws.create_domain_name(domainName=D, **REGIONAL)
    return staged


def update(op, path, value, expected):
    return "update_domain_name", {"domainName": D, **patch(op, path, value)}, expected


def test_domain_names(aws, staged):
    only = ("/certificateArn", "/certificateName", "/regionalCertificateArn", "/regionalCertificateName", "/securityPolicy", "/endpointAccessMode",
            "/routingMode", "/ownershipVerificationCertificateArn", "/policy", "/managementPolicy", "/endpointConfiguration/ipAddressType",
            "/mutualTlsAuthentication/truststoreUri", "/mutualTlsAuthentication/truststoreVersion")
    operations, violated = bad_ops("DomainName")
    check(aws, staged, [
        ("create_domain_name", {"domainName": D, **REGIONAL, "tags": {"A": "1"}, "securityPolicy": "TLS_1_2"}, {
            "domainName": D, "domainNameStatus": "AVAILABLE", "regionalDomainName": lambda name: name.startswith("d-") and ".execute-api." in name,
            "regionalHostedZoneId": lambda id: id, "regionalCertificateArn": CERTIFICATE, "securityPolicy": "TLS_1_2", "tags": {"A": "1"},
            "endpointConfiguration": {"types": ["REGIONAL"], "ipAddressType": "ipv4"}, "distributionDomainName": ABSENT, "routingMode": "BASE_PATH_MAPPING_ONLY"}),
        ("create_domain_name", {"domainName": "edge.example.com", "certificateArn": CERTIFICATE}, {
            "distributionDomainName": lambda name: name.endswith(".cloudfront.net"), "distributionHostedZoneId": "Z2FDTNDATAQYW2",
            "endpointConfiguration": {"types": ["EDGE"]}, "regionalDomainName": ABSENT}),
        ("create_domain_name", {"domainName": "*.example.com", **REGIONAL}, {"domainName": "*.example.com"}),
        ("create_domain_name", {"domainName": D, **REGIONAL}, conflict("The domain name you provided already exists.")),
        ("create_domain_name", {"domainName": "", **REGIONAL}, bad("No Domain Name specified")),
        ("create_domain_name", REGIONAL, Refused("ValidationException", ANY)),
        *[("create_domain_name", {"domainName": name, **REGIONAL}, bad()) for name in ("a b.com", "a..com", "*", "a.*.com", "x" * 254)],
        ("create_domain_name", {"domainName": "x.example.com", **REGIONAL, "securityPolicy": "TLS_0_9"}, Refused("ValidationException", ANY)),
        ("create_domain_name", {"domainName": "x.example.com", **REGIONAL, "routingMode": "WRONG"}, Refused("ValidationException", ANY)),
        ("get_domain_name", {"domainName": D}, {"domainName": D, "domainNameStatus": "AVAILABLE"}),
        update("replace", "/regionalCertificateName", "n", {"regionalCertificateName": "n"}),
        update("replace", "/regionalCertificateArn", CERTIFICATE + "y", {"regionalCertificateArn": CERTIFICATE + "y"}),
        update("replace", "/securityPolicy", "TLS_1_0", {"securityPolicy": "TLS_1_0"}),
        update("replace", "/securityPolicy", "TLS_0_9", bad()),
        update("replace", "/routingMode", "ROUTING_RULE_ONLY", {"routingMode": "ROUTING_RULE_ONLY"}),
        update("replace", "/routingMode", "WRONG", bad()),
        update("replace", "/endpointConfiguration/ipAddressType", "dualstack", {"endpointConfiguration": {"ipAddressType": "dualstack"}}),
        update("replace", "/endpointConfiguration/ipAddressType", "wrong", bad()),
        update("replace", "/ownershipVerificationCertificateArn", CERTIFICATE, {"ownershipVerificationCertificateArn": CERTIFICATE}),
        update("replace", "/endpointConfiguration/types/0", "REGIONAL", {"endpointConfiguration": {"types": ["REGIONAL"]}}),
        *[update(op, path, "x", bad()) for op in ("add", "remove", "copy", "move", "test") for path in only],
        update("replace", "/nothing", "x", bad()),
        ("update_domain_name", {"domainName": D, **operations}, violated),
        *[(operation, {"domainName": "nobody.example.com", **more}, NO_DOMAIN) for operation, more in (
            ("get_domain_name", {}), ("delete_domain_name", {}), ("update_domain_name", patch("replace", "/securityPolicy", "TLS_1_2")),
            ("create_base_path_mapping", {"restApiId": "<api>"}), ("get_base_path_mappings", {}))],
    ])
    pages(aws, "get_domain_names", {}, "domainName", 3)
    check(aws, staged, [
        ("delete_domain_name", {"domainName": D}, {}),
        ("delete_domain_name", {"domainName": D}, NO_DOMAIN),
        ("get_domain_name", {"domainName": D}, NO_DOMAIN),
    ])


def test_base_path_mappings(aws, domain):
    def one(path, **more):
        return {"domainName": D, "basePath": path, **more}

    def update(op, path, value, expected, of="shop"):
        return "update_base_path_mapping", one(of, **patch(op, path, value)), expected

    slash = bad("API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base path mapping, use API Gateway V2.")
    operations, violated = bad_ops("BasePathMapping")
    check(aws, domain, [
        ("create_base_path_mapping", {"domainName": D, "restApiId": "<api>", "stage": "prod"}, {"basePath": "(none)", "restApiId": "<api>", "stage": "prod"}),
        ("create_base_path_mapping", one("", restApiId="<api>"), conflict("Base path already exists for this domain name")),
        ("create_base_path_mapping", one("shop", restApiId="<api>"), {"basePath": "shop", "stage": ABSENT}),
        ("create_base_path_mapping", one("other", restApiId="<api>", stage="test"), {"stage": "test"}),
        ("create_base_path_mapping", one("shop", restApiId="<api>"), conflict("Base path already exists for this domain name")),
        ("create_base_path_mapping", one("a/b", restApiId="<api>"), slash),
        ("create_base_path_mapping", one("a b", restApiId="<api>"), bad()),
        ("create_base_path_mapping", one("x", restApiId="nothere123"), bad()),
        ("create_base_path_mapping", one("x", restApiId="<api>", stage="nobody"), bad()),
        ("create_base_path_mapping", one("x"), Refused("ValidationException", ANY)),
        ("get_base_path_mapping", one("(none)"), {"basePath": "(none)"}),
        update("replace", "/stage", "test", {"stage": "test"}),
        update("replace", "/stage", "nobody", bad()),
        update("replace", "/restapiId", "<api>", {"restApiId": "<api>"}),
        update("replace", "/restapiId", "nothere123", bad()),
        update("replace", "/restApiId", "<api>", bad()),
        update("replace", "/basePath", "other", conflict("Base path already exists for this domain name")),
        update("replace", "/basePath", "a/b", bad()),
        update("replace", "/nothing", "x", bad()),
        *[update(op, path, "x", bad()) for op in ("add", "remove", "copy", "move", "test") for path in ("/basePath", "/restapiId", "/stage")],
        ("update_base_path_mapping", one("shop", **operations), violated),
        *[(operation, one("nobody", **more), NO_MAPPING) for operation, more in (
            ("get_base_path_mapping", {}), ("delete_base_path_mapping", {}), ("update_base_path_mapping", patch("replace", "/stage", "prod")))],
    ])
    pages(aws, "get_base_path_mappings", {"domainName": D}, "basePath", 3)
    check(aws, domain, [
        ("delete_base_path_mapping", one("(none)"), {}),
        # Empty is `(none)`.
        update("replace", "/basePath", "", {"basePath": "(none)"}),
        ("delete_base_path_mapping", one("(none)"), {}),
        ("delete_base_path_mapping", one("(none)"), NO_MAPPING),
        ("get_base_path_mapping", one("shop"), NO_MAPPING),
    ])


def test_api_mappings(aws, aws_v2, domain):
    def create(expected, key=None, keep=None, **members):
        arguments = {"DomainName": D, "ApiId": "<api>", "Stage": "prod", **({} if key is None else {"ApiMappingKey": key}), **members}
        return "create_api_mapping", arguments, expected, *([{keep: "ApiMappingId"}] if keep else [])

    one = {"DomainName": D, "ApiMappingId": "<mapping>"}
    check(aws_v2, domain, [
        create({"ApiId": "<api>", "Stage": "prod", "ApiMappingKey": "a/b/c", "ApiMappingId": lambda id: id}, "a/b/c", "mapping"),
        create({"ApiMappingKey": "a/b"}, "a/b"),
        create({}, keep="root"),
        create(conflict(), "a/b"),
        create(bad(), "a//b"),
        create(bad(), "a b"),
        create(bad(), "/a"),
        create(missing(), "x", ApiId="nothere123"),
        create(bad(), "x", Stage="nobody"),
        ("get_api_mapping", one, {"ApiMappingKey": "a/b/c"}),
        ("update_api_mapping", {**one, "ApiId": "<api>", "ApiMappingKey": "x/y", "Stage": "test"}, {"ApiMappingKey": "x/y", "Stage": "test"}),
        ("update_api_mapping", {**one, "ApiId": "<api>", "ApiMappingKey": "a/b"}, conflict()),
        ("update_api_mapping", {**one, "ApiId": "<api>", "Stage": "nobody"}, bad()),
        *[(operation, {"DomainName": D, "ApiMappingId": "abcdef", **more}, missing()) for operation, more in (
            ("get_api_mapping", {}), ("delete_api_mapping", {}), ("update_api_mapping", {"ApiId": "<api>", "Stage": "prod"}))],
        *[(operation, {"DomainName": "nobody.example.com", **more}, missing()) for operation, more in (
            ("get_api_mappings", {}), ("create_api_mapping", {"ApiId": "<api>", "Stage": "prod"}))],
    ])
    pages(aws_v2, "get_api_mappings", {"DomainName": D}, "ApiMappingId", 3, ("MaxResults", "NextToken", "NextToken"), "Items")
    # One list for both versions; the first cannot write what the second can.
    keys = {item["basePath"] for item in aws.get_base_path_mappings(domainName=D)["items"]}
    assert keys == {"(none)", "x/y", "a/b"}
    check(aws_v2, domain, [("delete_api_mapping", one, {}), ("delete_api_mapping", one, missing()), ("get_api_mapping", one, missing())])


def test_routing_rules(aws, aws_v2, domain):
    action = [{"InvokeApi": {"ApiId": "<api>", "Stage": "prod", "StripBasePath": True}}]
    header = {"MatchHeaders": {"AnyOf": [{"Header": "X-Version", "ValueGlob": "v1*"}]}}
    base = {"MatchBasePaths": {"AnyOf": ["shop"]}}

    def create(expected, priority, *conditions, actions=action, keep=None):
        arguments = {"DomainName": D, "Actions": actions, "Conditions": list(conditions), "Priority": priority}
        return "create_routing_rule", arguments, expected, *([{keep: "RoutingRuleId"}] if keep else [])

    def to(api, stage):
        return [{"InvokeApi": {"ApiId": api, "Stage": stage}}]

    one = {"DomainName": D, "RoutingRuleId": "<rule>"}
    check(aws_v2, domain, [
        create({"Priority": 10, "RoutingRuleId": lambda id: id, "RoutingRuleArn": lambda arn: "/domainnames/" in arn and "/routingrules/" in arn,
                "Actions": lambda found: found[0]["InvokeApi"] == {"ApiId": domain["api"], "Stage": "prod", "StripBasePath": True},
                "Conditions": lambda found: len(found) == 2}, 10, header, base, keep="rule"),
        create({"Conditions": lambda found: found == []}, 1000000),
        create({}, 1, base),
        create(conflict(), 10, base),
        create(bad(), 0, base),
        create(bad(), 1000001, base),
        create(bad(), 20, header, header, header),
        create(bad(), 20, base, base),
        create(bad(), 20, {}),
        create(bad(), 20, {"MatchHeaders": {"AnyOf": [{"Header": "X", "ValueGlob": "a*b*c"}]}}),
        create(bad(), 20, base, actions=[]),
        create(missing(), 20, base, actions=to("nothere123", "prod")),
        create(bad(), 20, base, actions=to("<api>", "nobody")),
        ("get_routing_rule", one, {"Priority": 10}),
        ("put_routing_rule", {**one, "Actions": to("<api>", "test"), "Conditions": [base], "Priority": 11},
         {"Priority": 11, "Conditions": lambda found: len(found) == 1, "Actions": lambda found: found[0]["InvokeApi"]["Stage"] == "test"}),
        ("put_routing_rule", {**one, "Actions": action, "Conditions": [base], "Priority": 1}, conflict()),
        *[(operation, {"DomainName": D, "RoutingRuleId": "abcdef"}, missing()) for operation in ("get_routing_rule", "delete_routing_rule")],
        ("list_routing_rules", {"DomainName": "nobody.example.com"}, missing()),
    ])
    listed = aws_v2.list_routing_rules(DomainName=D)["RoutingRules"]
    assert sorted(rule["Priority"] for rule in listed) == [1, 11, 1000000]
    check(aws_v2, domain, [("delete_routing_rule", one, {}), ("delete_routing_rule", one, missing()), ("get_routing_rule", one, missing())])


def test_access_associations(aws, known):
    arn = "arn:aws:apigateway:us-east-1:000000000000:/domainnames/private.example.com+abcdef"
    made = ("create_domain_name_access_association", {"domainNameArn": arn, "accessAssociationSourceType": "VPCE", "accessAssociationSource": "vpce-1"})
    check(aws, known, [
        (*made, missing()),
        (made[0], {**made[1], "accessAssociationSourceType": "PIGEON"}, Refused("ValidationException", ANY)),
        ("create_domain_name", {"domainName": "private.example.com", "certificateArn": CERTIFICATE, "endpointConfiguration": {"types": ["PRIVATE"]}},
         {"domainNameArn": lambda found: found.startswith("arn:aws:apigateway:us-east-1:000000000000:/domainnames/private.example.com+")},
         {"arn": "domainNameArn", "id": "domainNameId"}),
        *[(made[0], {**made[1], "domainNameArn": "<arn>", "accessAssociationSource": f"vpce-{n}"},
           {"domainNameArn": "<arn>", "accessAssociationSource": f"vpce-{n}"}, {f"a{n}": "domainNameAccessAssociationArn"}) for n in (1, 2, 3)],
    ])
    pages(aws, "get_domain_name_access_associations", {}, "domainNameAccessAssociationArn", 3)
    one = {"domainNameAccessAssociationArn": "<a1>"}
    check(aws, known, [
        ("delete_domain_name_access_association", one, {}),
        ("delete_domain_name_access_association", one, missing()),
        ("reject_domain_name_access_association", {"domainNameAccessAssociationArn": "<a2>", "domainNameArn": "<arn>"}, {}),
        ("delete_domain_name_access_association", {"domainNameAccessAssociationArn": "<a3>"}, {}),
        ("delete_domain_name", {"domainName": "private.example.com", "domainNameId": "<id>"}, {}),
    ])
