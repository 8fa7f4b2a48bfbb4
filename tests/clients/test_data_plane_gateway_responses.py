"""What the management API stores of gateway responses and of CORS, a deployment serves."""
import json

import pytest
from test_control_plane_lifecycle import call, mock


@pytest.fixture
def api(aws):
    made = aws.create_rest_api(name="gateway responses")["id"]
    yield made
    aws.delete_rest_api(restApiId=made)


def test_what_is_stored_is_served_after_a_deployment(served, aws, api):
    mock(aws, api, "/ok", "{}")
    aws.create_deployment(restApiId=api, stageName="prod")
    assert call(served, api, "/none").json() == {"message": "Missing Authentication Token"}

    # rest/17 line 62: a status alone goes with the default template.
    aws.put_gateway_response(restApiId=api, responseType="MISSING_AUTHENTICATION_TOKEN", statusCode="404")
    assert call(served, api, "/none").status_code == 403, "not before it is deployed"
    aws.create_deployment(restApiId=api, stageName="prod")
    answer = call(served, api, "/none")
    assert (answer.status_code, answer.text) == (404, '{"message":"Missing Authentication Token"}')
    assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"

    # rest/17 line 61: a type of its own inherits nothing of its class.
    aws.put_gateway_response(restApiId=api, responseType="DEFAULT_4XX", statusCode="499", responseParameters={"gatewayresponse.header.X": "'four'"})
    aws.create_deployment(restApiId=api, stageName="prod")
    assert (call(served, api, "/none").status_code, call(served, api, "/none").headers.get("X")) == (404, None)
    aws.delete_gateway_response(restApiId=api, responseType="MISSING_AUTHENTICATION_TOKEN")
    aws.create_deployment(restApiId=api, stageName="prod")
    assert (call(served, api, "/none").status_code, call(served, api, "/none").headers.get("X")) == (499, "four")
    aws.update_gateway_response(restApiId=api, responseType="DEFAULT_4XX", patchOperations=[
        {"op": "add", "path": "/responseTemplates/application~1json", "value": '{"t": "$context.error.responseType", "at": "$context.resourcePath"}'}])
    aws.create_deployment(restApiId=api, stageName="prod")
    assert call(served, api, "/none").json() == {"t": "MISSING_AUTHENTICATION_TOKEN", "at": ""}
    assert call(served, api, "/ok").json() == {}

    # AWS stores what would make every client wait; it is not deployed here.
    aws.put_gateway_response(restApiId=api, responseType="THROTTLED", statusCode="100")
    with pytest.raises(aws.exceptions.BadRequestException, match="interim"):
        aws.create_deployment(restApiId=api, stageName="prod")
    assert call(served, api, "/none").status_code == 499


def test_cors_lives_from_import_to_export(served, aws):
    def document(**more):
        ok = {"type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'}, "responses": {"default": {"statusCode": "200"}}}
        paths = {"/ok": {"get": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": ok}}}
        return json.dumps({"openapi": "3.0.1", "info": {"title": "cors", "version": "1"}, "paths": paths, **more})

    cors = {"origins": ["https://shop.example"], "headers": ["x-a"]}
    made = aws.import_rest_api(body=document(**{"x-weir-cors": cors}))
    api = made["id"]
    try:
        shown = [made, aws.get_rest_api(restApiId=api), *aws.get_rest_apis(limit=500)["items"]]
        assert not [one for one in shown if "cors" in json.dumps(one, default=str).replace(made["name"], "")]
        aws.create_deployment(restApiId=api, stageName="prod")
        asks = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
        answer = call(served, api, "/ok", method="OPTIONS", headers=asks)
        assert answer.status_code == 204
        assert answer.headers["Access-Control-Allow-Methods"] == "GET" and answer.headers["Access-Control-Allow-Headers"] == "x-a"
        assert call(served, api, "/ok", headers=asks).headers["Access-Control-Allow-Origin"] == "https://shop.example"
        exported = aws.get_export(restApiId=api, stageName="prod", exportType="oas30", parameters={"extensions": "apigateway"})
        assert json.loads(exported["body"].read())["x-weir-cors"] == cors
        plain = aws.get_export(restApiId=api, stageName="prod", exportType="oas30")
        assert "x-weir-cors" not in json.loads(plain["body"].read())

        # A merge leaves it, an overwrite without it takes it away.
        aws.update_rest_api(restApiId=api, patchOperations=[{"op": "replace", "path": "/description", "value": "d"}])
        aws.put_rest_api(restApiId=api, mode="merge", body=document())
        aws.create_deployment(restApiId=api, stageName="prod")
        assert call(served, api, "/ok", method="OPTIONS", headers=asks).status_code == 204
        aws.put_rest_api(restApiId=api, mode="overwrite", body=document())
        aws.create_deployment(restApiId=api, stageName="prod")
        assert call(served, api, "/ok", method="OPTIONS", headers=asks).status_code == 403

        with pytest.raises(aws.exceptions.BadRequestException, match="browsers refuse"):
            aws.put_rest_api(restApiId=api, mode="merge", body=document(**{"x-weir-cors": {"origins": ["*"], "credentials": True}}))
        with pytest.raises(aws.exceptions.BadRequestException, match="has no `origin`"):
            aws.import_rest_api(body=document(**{"x-weir-cors": {"origin": ["*"]}}))
    finally:
        aws.delete_rest_api(restApiId=api)
