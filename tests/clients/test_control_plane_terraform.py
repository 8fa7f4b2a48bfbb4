"""The calls of Terraform's aws_api_gateway_* resources, in its order and with what it insists on when it reads back
(control-plane/terraform). Terraform itself cannot be installed here."""
import json
import time

import boto3
import botocore.exceptions
import pytest
from concurrent.futures import ThreadPoolExecutor


def raw(client, operation, **arguments):
    """The members as they stand on the wire, without the client library's ResponseMetadata."""
    answer = getattr(client, operation)(**arguments)
    answer.pop("ResponseMetadata")
    return answer


def patches(*operations):
    return [dict(zip(("op", "path", "value"), operation)) for operation in operations]


def gone(client, operation, **arguments):
    with pytest.raises(client.exceptions.NotFoundException):
        getattr(client, operation)(**arguments)


@pytest.fixture
def api(aws):
    made = aws.create_rest_api(name="terraform", endpointConfiguration={"types": ["REGIONAL"]})
    yield made["id"]
    try:
        aws.delete_rest_api(restApiId=made["id"])
    except aws.exceptions.NotFoundException:
        pass


def test_the_provider_asks_who_it_is(served):
    identity = boto3.client("sts", endpoint_url=served.admin_url, region_name="us-east-1").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"].startswith("arn:aws:")


def test_rest_api_resource_method_integration(aws, api):
    read = raw(aws, "get_rest_api", restApiId=api)
    assert read["endpointConfiguration"]["types"] == ["REGIONAL"]
    assert read["apiKeySource"] == "HEADER" and read["tags"] == {} and read["disableExecuteApiEndpoint"] is False
    assert "description" not in read and "minimumCompressionSize" not in read and "policy" not in read
    assert isinstance(read["createdDate"].timestamp(), float)
    root = next(item for item in aws.get_resources(restApiId=api)["items"] if item["path"] == "/")
    assert set(root) == {"id", "path"} and root["id"] == read["rootResourceId"]

    # Ten at once, as Terraform does: siblings under one parent.
    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda n: aws.create_resource(restApiId=api, parentId=root["id"], pathPart=f"r{n}"), range(10)))
    assert len({item["id"] for item in made}) == 10
    assert {item["path"] for item in made} == {f"/r{n}" for n in range(10)}
    for item in made:
        assert raw(aws, "get_resource", restApiId=api, resourceId=item["id"])["path"] == item["path"]

    owner = {"restApiId": api, "resourceId": made[0]["id"], "httpMethod": "GET"}
    written = raw(aws, "put_method", **owner, authorizationType="NONE", requestParameters={"method.request.querystring.q": True})
    read = raw(aws, "get_method", **owner)
    assert written == read == {
        "httpMethod": "GET", "authorizationType": "NONE", "apiKeyRequired": False,
        "requestParameters": {"method.request.querystring.q": True},
    }
    written = raw(aws, "put_method_response", **owner, statusCode="200", responseModels={"application/json": "Empty"},
                  responseParameters={"method.response.header.X": False})
    assert raw(aws, "get_method_response", **owner, statusCode="200") == written
    written = raw(aws, "put_integration", **owner, type="HTTP", integrationHttpMethod="GET", uri="http://127.0.0.1:9/x",
                  requestTemplates={"application/json": "", "text/plain": "x"}, cacheKeyParameters=["method.request.querystring.q"],
                  requestParameters={"integration.request.querystring.q": "method.request.querystring.q"})
    read = raw(aws, "get_integration", **owner)
    assert read == written
    assert read["connectionType"] == "INTERNET" and read["timeoutInMillis"] == 29000
    assert read["passthroughBehavior"] == "WHEN_NO_MATCH" and read["cacheNamespace"] == made[0]["id"]
    assert read["requestTemplates"] == {"application/json": None, "text/plain": "x"}
    changed = raw(aws, "update_integration", **owner, patchOperations=patches(
        ("replace", "/requestTemplates/application~1json", "{}"), ("remove", "/requestTemplates/text~1plain"),
        ("add", "/cacheKeyParameters/method.request.path.x", ""), ("replace", "/timeoutInMillis", "5000"),
        ("replace", "/uri", "http://127.0.0.1:9/y")))
    assert changed["requestTemplates"] == {"application/json": "{}"} and changed["timeoutInMillis"] == 5000
    assert changed["cacheKeyParameters"] == ["method.request.querystring.q", "method.request.path.x"]
    assert changed["uri"] == "http://127.0.0.1:9/y"
    written = raw(aws, "put_integration_response", **owner, statusCode="200", selectionPattern="2\\d\\d",
                  responseParameters={"method.response.header.X": "'y'"}, responseTemplates={"application/json": ""})
    assert written == raw(aws, "get_integration_response", **owner, statusCode="200")
    assert written["selectionPattern"] == "2\\d\\d"
    # Put again: a full replacement.
    raw(aws, "put_integration_response", **owner, statusCode="200", responseParameters={"method.response.header.X": "'y'"})
    assert "selectionPattern" not in raw(aws, "get_integration_response", **owner, statusCode="200")

    for operation, arguments in (("integration_response", {"statusCode": "200"}), ("integration", {}),
                                 ("method_response", {"statusCode": "200"}), ("method", {})):
        getattr(aws, f"delete_{operation}")(**owner, **arguments)
        gone(aws, f"get_{operation}", **owner, **arguments)
        gone(aws, f"delete_{operation}", **owner, **arguments)


def test_rest_api_with_a_body(aws, api):
    body = json.dumps({
        "openapi": "3.0.1", "info": {"title": "from body", "version": "1.0"},
        "x-amazon-apigateway-binary-media-types": ["image/png"],
        "paths": {"/pets": {"get": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": {
            "type": "http_proxy", "httpMethod": "GET", "uri": "http://127.0.0.1:9/"}}}},
    })
    put = raw(aws, "put_rest_api", restApiId=api, mode="overwrite", failOnWarnings=False, body=body)
    assert put["name"] == "from body" and put["version"] == "1.0" and put["tags"] == {}
    assert put["endpointConfiguration"]["types"] == ["REGIONAL"] and put["apiKeySource"] == "HEADER"
    assert put["binaryMediaTypes"] == ["image/png"]
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}]}
    changed = raw(aws, "update_rest_api", restApiId=api, patchOperations=patches(
        ("replace", "/name", "terraform"), ("replace", "/description", "d"), ("replace", "/policy", json.dumps(policy)),
        ("replace", "/minimumCompressionSize", "0"), ("remove", "/binaryMediaTypes/image~1png"),
        ("add", "/binaryMediaTypes/a~1b"), ("replace", "/endpointConfiguration/types/0", "EDGE")))
    assert changed["binaryMediaTypes"] == ["a/b"] and changed["minimumCompressionSize"] == 0
    assert changed["endpointConfiguration"]["types"] == ["EDGE"]
    # The provider unquotes it once more.
    statement = json.loads(json.loads('"' + changed["policy"] + '"'))["Statement"][0]
    assert statement["Resource"] == f"arn:aws:execute-api:us-east-1:000000000000:{api}/*"
    off = raw(aws, "update_rest_api", restApiId=api, patchOperations=[{"op": "replace", "path": "/minimumCompressionSize"}])
    assert "minimumCompressionSize" not in off
    ids = {item["path"]: item["id"] for item in aws.get_resources(restApiId=api)["items"]}
    aws.put_rest_api(restApiId=api, mode="overwrite", body=body)
    assert {item["path"]: item["id"] for item in aws.get_resources(restApiId=api)["items"]} == ids


def test_deployment_stage_method_settings(aws, api):
    root = aws.get_resources(restApiId=api)["items"][0]["id"]
    owner = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    aws.put_method(**owner, authorizationType="NONE")
    aws.put_integration(**owner, type="HTTP_PROXY", integrationHttpMethod="GET", uri="http://127.0.0.1:9/")
    made = raw(aws, "create_deployment", restApiId=api, description="")
    assert made["description"] == ""
    read = raw(aws, "get_deployment", restApiId=api, deploymentId=made["id"])
    assert read["createdDate"] == made["createdDate"] and "apiSummary" not in read
    summary = aws.get_deployment(restApiId=api, deploymentId=made["id"], embed=["apisummary"])["apiSummary"]
    assert summary == {"/": {"GET": {"authorizationType": "NONE", "apiKeyRequired": False}}}
    stage = {"restApiId": api, "stageName": "prod"}
    written = raw(aws, "create_stage", **stage, deploymentId=made["id"], variables={"a": "b"}, tags={"Team": "x"})
    assert raw(aws, "get_stage", **stage) == written
    assert written["cacheClusterStatus"] == "NOT_AVAILABLE" and written["methodSettings"] == {}
    assert written["tags"] == {"Team": "x"} and written["tracingEnabled"] is False
    aws.update_account(patchOperations=patches(("replace", "/cloudwatchRoleArn", "arn:aws:iam::000000000000:role/logs")))
    changed = raw(aws, "update_stage", **stage, patchOperations=patches(
        ("replace", "/variables/c", "d"), ("remove", "/variables/a"), ("replace", "/description", "s"),
        ("replace", "/accessLogSettings/destinationArn", "arn:aws:logs:us-east-1:000000000000:log-group:x"),
        ("replace", "/accessLogSettings/format", "$context.requestId"), ("replace", "/tracingEnabled", "true")))
    assert changed["variables"] == {"c": "d"} and changed["tracingEnabled"] is True
    assert changed["accessLogSettings"]["format"] == "$context.requestId"
    assert "accessLogSettings" not in raw(aws, "update_stage", **stage, patchOperations=patches(("remove", "/accessLogSettings")))
    for method_path in ("*/*", "pets/{id}/GET"):
        aws.update_stage(**stage, patchOperations=patches(
            ("replace", f"/{method_path}/metrics/enabled", "true"), ("replace", f"/{method_path}/logging/loglevel", "INFO"),
            ("replace", f"/{method_path}/throttling/rateLimit", "100.000000"),
            ("replace", f"/{method_path}/throttling/burstLimit", "50")))
        setting = aws.get_stage(**stage)["methodSettings"][method_path]
        assert setting["metricsEnabled"] is True and setting["loggingLevel"] == "INFO"
        assert setting["throttlingRateLimit"] == 100.0 and setting["throttlingBurstLimit"] == 50
        aws.update_stage(**stage, patchOperations=patches(("remove", f"/{method_path}")))
        with pytest.raises(aws.exceptions.BadRequestException) as refused:
            aws.update_stage(**stage, patchOperations=patches(("remove", f"/{method_path}")))
        assert "no method setting for this method" in refused.value.response["Error"]["Message"]
    aws.delete_stage(**stage)
    gone(aws, "get_stage", **stage)
    aws.delete_deployment(restApiId=api, deploymentId=made["id"])
    gone(aws, "get_deployment", restApiId=api, deploymentId=made["id"])
    aws.update_account(patchOperations=patches(("replace", "/cloudwatchRoleArn", "")))


def test_parts_of_an_api(aws, api):
    model = raw(aws, "create_model", restApiId=api, name="Pet", contentType="application/json", schema='{"type": "object"}')
    assert raw(aws, "get_model", restApiId=api, modelName="Pet") == model and model["schema"] == '{"type": "object"}'
    aws.update_model(restApiId=api, modelName="Pet", patchOperations=patches(("replace", "/schema", '{ "type":"object" }')))
    assert aws.get_model(restApiId=api, modelName="Pet")["schema"] == '{ "type":"object" }'
    validator = raw(aws, "create_request_validator", restApiId=api, name="v", validateRequestBody=True)
    assert validator["validateRequestParameters"] is False
    read = raw(aws, "get_request_validator", restApiId=api, requestValidatorId=validator["id"])
    assert read == validator
    changed = raw(aws, "update_request_validator", restApiId=api, requestValidatorId=validator["id"],
                  patchOperations=patches(("replace", "/validateRequestParameters", "true")))
    assert changed["validateRequestParameters"] is True
    uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations"
    authorizer = raw(aws, "create_authorizer", restApiId=api, name="a", type="TOKEN", authorizerUri=uri,
                     identitySource="method.request.header.Authorization", authorizerResultTtlInSeconds=300)
    assert authorizer["authType"] == "custom"
    assert raw(aws, "get_authorizer", restApiId=api, authorizerId=authorizer["id"]) == authorizer
    changed = raw(aws, "update_authorizer", restApiId=api, authorizerId=authorizer["id"],
                  patchOperations=patches(("replace", "/authorizerResultTtlInSeconds", "60")))
    assert changed["authorizerResultTtlInSeconds"] == 60
    response = raw(aws, "put_gateway_response", restApiId=api, responseType="UNAUTHORIZED", statusCode="401",
                   responseTemplates={"application/json": "{}"}, responseParameters={"gatewayresponse.header.X": "'y'"})
    assert response["defaultResponse"] is False
    assert raw(aws, "get_gateway_response", restApiId=api, responseType="UNAUTHORIZED") == response
    part = raw(aws, "create_documentation_part", restApiId=api, location={"type": "API"}, properties='{"description":"x"}')
    assert raw(aws, "get_documentation_part", restApiId=api, documentationPartId=part["id"]) == part
    version = raw(aws, "create_documentation_version", restApiId=api, documentationVersion="1")
    assert version["version"] == "1"
    for operation, arguments in (("model", {"modelName": "Pet"}), ("request_validator", {"requestValidatorId": validator["id"]}),
                                 ("authorizer", {"authorizerId": authorizer["id"]}),
                                 ("documentation_part", {"documentationPartId": part["id"]}),
                                 ("documentation_version", {"documentationVersion": "1"})):
        getattr(aws, f"delete_{operation}")(restApiId=api, **arguments)
        gone(aws, f"get_{operation}", restApiId=api, **arguments)
    aws.delete_gateway_response(restApiId=api, responseType="UNAUTHORIZED")
    assert aws.get_gateway_response(restApiId=api, responseType="UNAUTHORIZED")["defaultResponse"] is True


def test_keys_plans_and_domains(aws, api):
    root = aws.get_resources(restApiId=api)["items"][0]["id"]
    owner = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    aws.put_method(**owner, authorizationType="NONE")
    aws.put_integration(**owner, type="HTTP_PROXY", integrationHttpMethod="GET", uri="http://127.0.0.1:9/")
    aws.create_deployment(restApiId=api, stageName="prod")
    key = raw(aws, "create_api_key", name="k", enabled=True)
    read = raw(aws, "get_api_key", apiKey=key["id"], includeValue=True)
    assert read["value"] == key["value"] and len(read["value"]) == 40
    plan = raw(aws, "create_usage_plan", name="p", apiStages=[{"apiId": api, "stage": "prod"}])
    assert "quota" not in plan and "throttle" not in plan
    aws.update_usage_plan(usagePlanId=plan["id"], patchOperations=patches(("add", "/productCode", "code")))
    changed = raw(aws, "update_usage_plan", usagePlanId=plan["id"], patchOperations=patches(
        ("replace", "/throttle/burstLimit", "5"), ("replace", "/throttle/rateLimit", "10.5"), ("replace", "/quota/limit", "100"),
        ("replace", "/quota/offset", "2"), ("replace", "/quota/period", "WEEK"),
        ("replace", f"/apiStages/{api}:prod/throttle//pets/GET/rateLimit", "3"),
        ("replace", f"/apiStages/{api}:prod/throttle//pets/GET/burstLimit", "2")))
    assert changed["throttle"] == {"burstLimit": 5, "rateLimit": 10.5}
    assert changed["quota"] == {"limit": 100, "offset": 2, "period": "WEEK"}
    assert changed["apiStages"] == [{"apiId": api, "stage": "prod", "throttle": {"/pets/GET": {"burstLimit": 2, "rateLimit": 3.0}}}]
    attached = raw(aws, "create_usage_plan_key", usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    assert raw(aws, "get_usage_plan_key", usagePlanId=plan["id"], keyId=key["id"]) == attached
    assert attached["value"] == key["value"]

    domain = raw(aws, "create_domain_name", domainName="terraform.example.com", endpointConfiguration={"types": ["REGIONAL"]},
                 regionalCertificateArn="arn:aws:acm:us-east-1:000000000000:certificate/x", securityPolicy="TLS_1_2")
    read = raw(aws, "get_domain_name", domainName="terraform.example.com")
    assert read["domainNameStatus"] == "AVAILABLE" and read["regionalDomainName"] == domain["regionalDomainName"]
    assert read["regionalHostedZoneId"] and read["securityPolicy"] == "TLS_1_2"
    mapping = raw(aws, "create_base_path_mapping", domainName="terraform.example.com", restApiId=api, stage="prod")
    assert mapping["basePath"] == "(none)"
    assert raw(aws, "get_base_path_mapping", domainName="terraform.example.com", basePath="(none)") == mapping
    moved = raw(aws, "update_base_path_mapping", domainName="terraform.example.com", basePath="(none)",
                patchOperations=patches(("replace", "/basePath", "shop")))
    assert moved["basePath"] == "shop"

    aws.delete_base_path_mapping(domainName="terraform.example.com", basePath="shop")
    gone(aws, "get_base_path_mapping", domainName="terraform.example.com", basePath="shop")
    aws.delete_domain_name(domainName="terraform.example.com")
    gone(aws, "get_domain_name", domainName="terraform.example.com")
    aws.delete_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"])
    gone(aws, "get_usage_plan_key", usagePlanId=plan["id"], keyId=key["id"])
    aws.update_usage_plan(usagePlanId=plan["id"], patchOperations=patches(("remove", "/apiStages", f"{api}:prod")))
    aws.delete_usage_plan(usagePlanId=plan["id"])
    gone(aws, "get_usage_plan", usagePlanId=plan["id"])
    aws.delete_api_key(apiKey=key["id"])
    gone(aws, "get_api_key", apiKey=key["id"])


def test_what_belongs_to_the_account(aws):
    link = raw(aws, "create_vpc_link", name="l", targetArns=[
        "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/x/1"])
    assert link["status"] == "PENDING"
    end = time.monotonic() + 10
    while aws.get_vpc_link(vpcLinkId=link["id"])["status"] != "AVAILABLE":
        assert time.monotonic() < end
    aws.delete_vpc_link(vpcLinkId=link["id"])
    gone(aws, "get_vpc_link", vpcLinkId=link["id"])
    certificate = raw(aws, "generate_client_certificate", description="c")
    assert "BEGIN CERTIFICATE" in certificate["pemEncodedCertificate"]
    assert certificate["expirationDate"] > certificate["createdDate"]
    aws.update_client_certificate(clientCertificateId=certificate["clientCertificateId"],
                                  patchOperations=patches(("replace", "/description", "d")))
    aws.delete_client_certificate(clientCertificateId=certificate["clientCertificateId"])
    gone(aws, "get_client_certificate", clientCertificateId=certificate["clientCertificateId"])
    account = raw(aws, "get_account")
    assert account["throttleSettings"] == {"burstLimit": 5000, "rateLimit": 10000.0}


def test_tags(aws, api):
    arn = f"arn:aws:apigateway:us-east-1::/restapis/{api}"
    aws.tag_resource(resourceArn=arn, tags={"A": "1", "b": "2"})
    assert aws.get_rest_api(restApiId=api)["tags"] == {"A": "1", "b": "2"}
    aws.untag_resource(resourceArn=arn, tagKeys=["A"])
    assert aws.get_tags(resourceArn=arn)["tags"] == {"b": "2"}
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        aws.tag_resource(resourceArn="arn:aws:apigateway:us-east-1::/restapis/nothere", tags={"A": "1"})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
