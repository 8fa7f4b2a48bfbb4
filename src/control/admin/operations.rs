//! Every operation of the management API, one row each: how it is called, what it takes, who does it
//! (control-plane/v1-operations). Routing, the checks of inputs, and the parity page are read off the rows.

use super::call::Handler;
use super::target::decode;
use super::{
    access_associations, account, api_key_import, api_keys, api_mappings, authorizers, base_path_mappings,
    client_certificates, deployments, documentation, documentation_versions, domain_names, gateway_responses, import,
    integration_responses, integrations, method_responses, methods, models, request_validators, resources, rest_apis,
    routing_rules, sdk, stages, tags, test_invoke, usage, usage_plan_keys, usage_plans, vpc_links,
};

/// One operation.
pub struct Operation {
    /// AWS's name: `CreateRestApi`.
    pub name: &'static str,
    pub verb: &'static str,
    /// The path's template, and behind `?` what the query must say for this operation to be meant.
    pub path: &'static str,
    /// Of a success.
    pub status: u16,
    /// Members of the query, as `shapes.rs` reads them.
    pub query: &'static str,
    /// Members of the body, or [`DOCUMENT`].
    pub body: &'static str,
    pub run: Handler,
}

/// The body is a document as it comes, not an object with members.
pub const DOCUMENT: &str = "(document)";

const fn op(
    name: &'static str,
    verb: &'static str,
    path: &'static str,
    status: u16,
    query: &'static str,
    body: &'static str,
    run: Handler,
) -> Operation {
    Operation { name, verb, path, status, query, body, run }
}

#[rustfmt::skip] // one row an operation
pub const OPERATIONS: &[Operation] = &[
    op("CreateRestApi", "POST", "/restapis", 201, "", "name! description version cloneFrom binaryMediaTypes[] minimumCompressionSize:int apiKeySource:ApiKeySourceType endpointConfiguration:EndpointConfiguration policy tags{} disableExecuteApiEndpoint:bool securityPolicy:SecurityPolicy endpointAccessMode:EndpointAccessMode", rest_apis::create),
    op("GetRestApis", "GET", "/restapis", 200, "position limit:int", "", rest_apis::list),
    op("DeleteRestApi", "DELETE", "/restapis/{restapi_id}", 202, "", "", rest_apis::delete),
    op("GetRestApi", "GET", "/restapis/{restapi_id}", 200, "", "", rest_apis::get),
    op("UpdateRestApi", "PATCH", "/restapis/{restapi_id}", 200, "", "patchOperations[]:PatchOperation", rest_apis::update),
    op("ImportRestApi", "POST", "/restapis?mode=import", 201, "failonwarnings:bool", DOCUMENT, import::import),
    op("PutRestApi", "PUT", "/restapis/{restapi_id}", 200, "mode:PutMode failonwarnings:bool", DOCUMENT, import::put),
    op("GetExport", "GET", "/restapis/{restapi_id}/stages/{stage_name}/exports/{export_type}", 200, "", "", import::export),
    op("GetResources", "GET", "/restapis/{restapi_id}/resources", 200, "position limit:int embed[]", "", resources::list),
    op("CreateResource", "POST", "/restapis/{restapi_id}/resources/{parent_id}", 201, "", "pathPart!", resources::create),
    op("DeleteResource", "DELETE", "/restapis/{restapi_id}/resources/{resource_id}", 202, "", "", resources::delete),
    op("GetResource", "GET", "/restapis/{restapi_id}/resources/{resource_id}", 200, "embed[]", "", resources::get),
    op("UpdateResource", "PATCH", "/restapis/{restapi_id}/resources/{resource_id}", 200, "", "patchOperations[]:PatchOperation", resources::update),
    op("DeleteMethod", "DELETE", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}", 204, "", "", methods::delete),
    op("GetMethod", "GET", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}", 200, "", "", methods::get),
    op("PutMethod", "PUT", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}", 201, "", "authorizationType! authorizerId apiKeyRequired:bool operationName requestParameters{}:bool requestModels{} requestValidatorId authorizationScopes[]", methods::put),
    op("UpdateMethod", "PATCH", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}", 200, "", "patchOperations[]:PatchOperation", methods::update),
    op("DeleteMethodResponse", "DELETE", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/responses/{status_code}", 204, "", "", method_responses::delete),
    op("GetMethodResponse", "GET", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/responses/{status_code}", 200, "", "", method_responses::get),
    op("PutMethodResponse", "PUT", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/responses/{status_code}", 201, "", "responseParameters{}:bool responseModels{}", method_responses::put),
    op("UpdateMethodResponse", "PATCH", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/responses/{status_code}", 201, "", "patchOperations[]:PatchOperation", method_responses::update),
    op("DeleteIntegration", "DELETE", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration", 204, "", "", integrations::delete),
    op("GetIntegration", "GET", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration", 200, "", "", integrations::get),
    op("PutIntegration", "PUT", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration", 201, "", "type:IntegrationType! httpMethod uri connectionType:ConnectionType connectionId credentials requestParameters{} requestTemplates{} passthroughBehavior cacheNamespace cacheKeyParameters[] contentHandling:ContentHandlingStrategy timeoutInMillis:int tlsConfig:TlsConfig responseTransferMode:ResponseTransferMode integrationTarget", integrations::put),
    op("UpdateIntegration", "PATCH", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration", 200, "", "patchOperations[]:PatchOperation", integrations::update),
    op("DeleteIntegrationResponse", "DELETE", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration/responses/{status_code}", 204, "", "", integration_responses::delete),
    op("GetIntegrationResponse", "GET", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration/responses/{status_code}", 200, "", "", integration_responses::get),
    op("PutIntegrationResponse", "PUT", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration/responses/{status_code}", 201, "", "selectionPattern responseParameters{} responseTemplates{} contentHandling:ContentHandlingStrategy", integration_responses::put),
    op("UpdateIntegrationResponse", "PATCH", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}/integration/responses/{status_code}", 200, "", "patchOperations[]:PatchOperation", integration_responses::update),
    op("TestInvokeMethod", "POST", "/restapis/{restapi_id}/resources/{resource_id}/methods/{http_method}", 200, "", "pathWithQueryString body headers{} multiValueHeaders{}[] clientCertificateId stageVariables{}", test_invoke::method_of),
    op("CreateModel", "POST", "/restapis/{restapi_id}/models", 201, "", "name description schema contentType", models::create),
    op("GetModels", "GET", "/restapis/{restapi_id}/models", 200, "position limit:int", "", models::list),
    op("DeleteModel", "DELETE", "/restapis/{restapi_id}/models/{model_name}", 202, "", "", models::delete),
    op("GetModel", "GET", "/restapis/{restapi_id}/models/{model_name}", 200, "flatten:bool", "", models::get),
    op("UpdateModel", "PATCH", "/restapis/{restapi_id}/models/{model_name}", 200, "", "patchOperations[]:PatchOperation", models::update),
    op("GetModelTemplate", "GET", "/restapis/{restapi_id}/models/{model_name}/default_template", 200, "", "", models::template),
    op("CreateRequestValidator", "POST", "/restapis/{restapi_id}/requestvalidators", 201, "", "name validateRequestBody:bool validateRequestParameters:bool", request_validators::create),
    op("GetRequestValidators", "GET", "/restapis/{restapi_id}/requestvalidators", 200, "position limit:int", "", request_validators::list),
    op("DeleteRequestValidator", "DELETE", "/restapis/{restapi_id}/requestvalidators/{requestvalidator_id}", 202, "", "", request_validators::delete),
    op("GetRequestValidator", "GET", "/restapis/{restapi_id}/requestvalidators/{requestvalidator_id}", 200, "", "", request_validators::get),
    op("UpdateRequestValidator", "PATCH", "/restapis/{restapi_id}/requestvalidators/{requestvalidator_id}", 200, "", "patchOperations[]:PatchOperation", request_validators::update),
    op("CreateAuthorizer", "POST", "/restapis/{restapi_id}/authorizers", 201, "", "name! type:AuthorizerType! providerARNs[] authType authorizerUri authorizerCredentials identitySource identityValidationExpression authorizerResultTtlInSeconds:int", authorizers::create),
    op("GetAuthorizers", "GET", "/restapis/{restapi_id}/authorizers", 200, "position limit:int", "", authorizers::list),
    op("DeleteAuthorizer", "DELETE", "/restapis/{restapi_id}/authorizers/{authorizer_id}", 202, "", "", authorizers::delete),
    op("GetAuthorizer", "GET", "/restapis/{restapi_id}/authorizers/{authorizer_id}", 200, "", "", authorizers::get),
    op("TestInvokeAuthorizer", "POST", "/restapis/{restapi_id}/authorizers/{authorizer_id}", 200, "", "headers{} multiValueHeaders{}[] pathWithQueryString body stageVariables{} additionalContext{}", test_invoke::authorizer_of),
    op("UpdateAuthorizer", "PATCH", "/restapis/{restapi_id}/authorizers/{authorizer_id}", 200, "", "patchOperations[]:PatchOperation", authorizers::update),
    op("GetGatewayResponses", "GET", "/restapis/{restapi_id}/gatewayresponses", 200, "position limit:int", "", gateway_responses::list),
    op("DeleteGatewayResponse", "DELETE", "/restapis/{restapi_id}/gatewayresponses/{response_type}", 202, "", "", gateway_responses::delete),
    op("GetGatewayResponse", "GET", "/restapis/{restapi_id}/gatewayresponses/{response_type}", 200, "", "", gateway_responses::get),
    op("PutGatewayResponse", "PUT", "/restapis/{restapi_id}/gatewayresponses/{response_type}", 201, "", "statusCode responseParameters{} responseTemplates{}", gateway_responses::put),
    op("UpdateGatewayResponse", "PATCH", "/restapis/{restapi_id}/gatewayresponses/{response_type}", 200, "", "patchOperations[]:PatchOperation", gateway_responses::update),
    op("CreateDeployment", "POST", "/restapis/{restapi_id}/deployments", 201, "", "stageName stageDescription description cacheClusterEnabled:bool cacheClusterSize:CacheClusterSize variables{} canarySettings:DeploymentCanarySettings tracingEnabled:bool", deployments::create),
    op("GetDeployments", "GET", "/restapis/{restapi_id}/deployments", 200, "position limit:int", "", deployments::list),
    op("DeleteDeployment", "DELETE", "/restapis/{restapi_id}/deployments/{deployment_id}", 202, "", "", deployments::delete),
    op("GetDeployment", "GET", "/restapis/{restapi_id}/deployments/{deployment_id}", 200, "embed[]", "", deployments::get),
    op("UpdateDeployment", "PATCH", "/restapis/{restapi_id}/deployments/{deployment_id}", 200, "", "patchOperations[]:PatchOperation", deployments::update),
    op("CreateStage", "POST", "/restapis/{restapi_id}/stages", 201, "", "stageName! deploymentId! description cacheClusterEnabled:bool cacheClusterSize:CacheClusterSize variables{} documentationVersion canarySettings:CanarySettings tracingEnabled:bool tags{}", stages::create),
    op("GetStages", "GET", "/restapis/{restapi_id}/stages", 200, "deploymentId", "", stages::list),
    op("DeleteStage", "DELETE", "/restapis/{restapi_id}/stages/{stage_name}", 202, "", "", stages::delete),
    op("GetStage", "GET", "/restapis/{restapi_id}/stages/{stage_name}", 200, "", "", stages::get),
    op("UpdateStage", "PATCH", "/restapis/{restapi_id}/stages/{stage_name}", 200, "", "patchOperations[]:PatchOperation", stages::update),
    op("FlushStageAuthorizersCache", "DELETE", "/restapis/{restapi_id}/stages/{stage_name}/cache/authorizers", 202, "", "", stages::flush),
    op("FlushStageCache", "DELETE", "/restapis/{restapi_id}/stages/{stage_name}/cache/data", 202, "", "", stages::flush),
    op("CreateDocumentationPart", "POST", "/restapis/{restapi_id}/documentation/parts", 201, "", "location:DocumentationPartLocation! properties!", documentation::create),
    op("GetDocumentationParts", "GET", "/restapis/{restapi_id}/documentation/parts", 200, "type:DocumentationPartType name path position limit:int locationStatus:LocationStatusType", "", documentation::list),
    op("ImportDocumentationParts", "PUT", "/restapis/{restapi_id}/documentation/parts", 200, "mode:PutMode failonwarnings:bool", DOCUMENT, documentation::import),
    op("DeleteDocumentationPart", "DELETE", "/restapis/{restapi_id}/documentation/parts/{part_id}", 202, "", "", documentation::delete),
    op("GetDocumentationPart", "GET", "/restapis/{restapi_id}/documentation/parts/{part_id}", 200, "", "", documentation::get),
    op("UpdateDocumentationPart", "PATCH", "/restapis/{restapi_id}/documentation/parts/{part_id}", 200, "", "patchOperations[]:PatchOperation", documentation::update),
    op("CreateDocumentationVersion", "POST", "/restapis/{restapi_id}/documentation/versions", 201, "", "documentationVersion! stageName description", documentation_versions::create),
    op("GetDocumentationVersions", "GET", "/restapis/{restapi_id}/documentation/versions", 200, "position limit:int", "", documentation_versions::list),
    op("DeleteDocumentationVersion", "DELETE", "/restapis/{restapi_id}/documentation/versions/{doc_version}", 202, "", "", documentation_versions::delete),
    op("GetDocumentationVersion", "GET", "/restapis/{restapi_id}/documentation/versions/{doc_version}", 200, "", "", documentation_versions::get),
    op("UpdateDocumentationVersion", "PATCH", "/restapis/{restapi_id}/documentation/versions/{doc_version}", 200, "", "patchOperations[]:PatchOperation", documentation_versions::update),
    op("CreateApiKey", "POST", "/apikeys", 201, "", "name description enabled:bool generateDistinctId:bool value stageKeys[]:StageKey customerId tags{}", api_keys::create),
    op("GetApiKeys", "GET", "/apikeys", 200, "position limit:int name customerId includeValues:bool", "", api_keys::list),
    op("ImportApiKeys", "POST", "/apikeys?mode=import", 201, "format:ApiKeysFormat! failonwarnings:bool", DOCUMENT, api_key_import::import),
    op("DeleteApiKey", "DELETE", "/apikeys/{api_Key}", 202, "", "", api_keys::delete),
    op("GetApiKey", "GET", "/apikeys/{api_Key}", 200, "includeValue:bool", "", api_keys::get),
    op("UpdateApiKey", "PATCH", "/apikeys/{api_Key}", 200, "", "patchOperations[]:PatchOperation", api_keys::update),
    op("CreateUsagePlan", "POST", "/usageplans", 201, "", "name! description apiStages[]:ApiStage throttle:ThrottleSettings quota:QuotaSettings tags{}", usage_plans::create),
    op("GetUsagePlans", "GET", "/usageplans", 200, "position keyId limit:int", "", usage_plans::list),
    op("DeleteUsagePlan", "DELETE", "/usageplans/{usageplanId}", 202, "", "", usage_plans::delete),
    op("GetUsagePlan", "GET", "/usageplans/{usageplanId}", 200, "", "", usage_plans::get),
    op("UpdateUsagePlan", "PATCH", "/usageplans/{usageplanId}", 200, "", "patchOperations[]:PatchOperation", usage_plans::update),
    op("CreateUsagePlanKey", "POST", "/usageplans/{usageplanId}/keys", 201, "", "keyId! keyType!", usage_plan_keys::create),
    op("GetUsagePlanKeys", "GET", "/usageplans/{usageplanId}/keys", 200, "position limit:int name", "", usage_plan_keys::list),
    op("DeleteUsagePlanKey", "DELETE", "/usageplans/{usageplanId}/keys/{keyId}", 202, "", "", usage_plan_keys::delete),
    op("GetUsagePlanKey", "GET", "/usageplans/{usageplanId}/keys/{keyId}", 200, "", "", usage_plan_keys::get),
    op("UpdateUsage", "PATCH", "/usageplans/{usageplanId}/keys/{keyId}/usage", 200, "", "patchOperations[]:PatchOperation", usage::update),
    op("GetUsage", "GET", "/usageplans/{usageplanId}/usage", 200, "keyId startDate! endDate! position limit:int", "", usage::get),
    op("CreateDomainName", "POST", "/domainnames", 201, "", "domainName! certificateName certificateBody certificatePrivateKey certificateChain certificateArn regionalCertificateName regionalCertificateArn endpointConfiguration:EndpointConfiguration tags{} securityPolicy:SecurityPolicy endpointAccessMode:EndpointAccessMode mutualTlsAuthentication:MutualTlsAuthenticationInput ownershipVerificationCertificateArn policy routingMode:RoutingMode", domain_names::create),
    op("GetDomainNames", "GET", "/domainnames", 200, "position limit:int resourceOwner:ResourceOwner", "", domain_names::list),
    op("DeleteDomainName", "DELETE", "/domainnames/{domain_name}", 202, "domainNameId", "", domain_names::delete),
    op("GetDomainName", "GET", "/domainnames/{domain_name}", 200, "domainNameId", "", domain_names::get),
    op("UpdateDomainName", "PATCH", "/domainnames/{domain_name}", 200, "domainNameId", "patchOperations[]:PatchOperation", domain_names::update),
    op("CreateBasePathMapping", "POST", "/domainnames/{domain_name}/basepathmappings", 201, "domainNameId", "basePath restApiId! stage", base_path_mappings::create),
    op("GetBasePathMappings", "GET", "/domainnames/{domain_name}/basepathmappings", 200, "domainNameId position limit:int", "", base_path_mappings::list),
    op("DeleteBasePathMapping", "DELETE", "/domainnames/{domain_name}/basepathmappings/{base_path}", 202, "domainNameId", "", base_path_mappings::delete),
    op("GetBasePathMapping", "GET", "/domainnames/{domain_name}/basepathmappings/{base_path}", 200, "domainNameId", "", base_path_mappings::get),
    op("UpdateBasePathMapping", "PATCH", "/domainnames/{domain_name}/basepathmappings/{base_path}", 200, "domainNameId", "patchOperations[]:PatchOperation", base_path_mappings::update),
    op("CreateDomainNameAccessAssociation", "POST", "/domainnameaccessassociations", 201, "", "domainNameArn! accessAssociationSourceType:AccessAssociationSourceType! accessAssociationSource! tags{}", access_associations::create),
    op("GetDomainNameAccessAssociations", "GET", "/domainnameaccessassociations", 200, "position limit:int resourceOwner:ResourceOwner", "", access_associations::list),
    op("DeleteDomainNameAccessAssociation", "DELETE", "/domainnameaccessassociations/{domain_name_access_association_arn}", 202, "", "", access_associations::delete),
    op("RejectDomainNameAccessAssociation", "POST", "/rejectdomainnameaccessassociations", 202, "domainNameAccessAssociationArn! domainNameArn!", "", access_associations::reject),
    op("CreateVpcLink", "POST", "/vpclinks", 202, "", "name! description targetArns[]! tags{}", vpc_links::create),
    op("GetVpcLinks", "GET", "/vpclinks", 200, "position limit:int", "", vpc_links::list),
    op("DeleteVpcLink", "DELETE", "/vpclinks/{vpclink_id}", 202, "", "", vpc_links::delete),
    op("GetVpcLink", "GET", "/vpclinks/{vpclink_id}", 200, "", "", vpc_links::get),
    op("UpdateVpcLink", "PATCH", "/vpclinks/{vpclink_id}", 200, "", "patchOperations[]:PatchOperation", vpc_links::update),
    op("GenerateClientCertificate", "POST", "/clientcertificates", 201, "", "description tags{}", client_certificates::create),
    op("GetClientCertificates", "GET", "/clientcertificates", 200, "position limit:int", "", client_certificates::list),
    op("DeleteClientCertificate", "DELETE", "/clientcertificates/{clientcertificate_id}", 202, "", "", client_certificates::delete),
    op("GetClientCertificate", "GET", "/clientcertificates/{clientcertificate_id}", 200, "", "", client_certificates::get),
    op("UpdateClientCertificate", "PATCH", "/clientcertificates/{clientcertificate_id}", 200, "", "patchOperations[]:PatchOperation", client_certificates::update),
    op("GetAccount", "GET", "/account", 200, "", "", account::get),
    op("UpdateAccount", "PATCH", "/account", 200, "", "patchOperations[]:PatchOperation", account::update),
    op("GetTags", "GET", "/tags/{resource_arn}", 200, "position limit:int", "", tags::get),
    op("TagResource", "PUT", "/tags/{resource_arn}", 204, "", "tags{}!", tags::tag),
    op("UntagResource", "DELETE", "/tags/{resource_arn}", 204, "tagKeys[]!", "", tags::untag),
    op("GetSdk", "GET", "/restapis/{restapi_id}/stages/{stage_name}/sdks/{sdk_type}", 200, "", "", sdk::get),
    op("GetSdkTypes", "GET", "/sdktypes", 200, "position limit:int", "", sdk::list_types),
    op("GetSdkType", "GET", "/sdktypes/{sdktype_id}", 200, "", "", sdk::get_type),
    // From apigatewayv2: what custom domains of REST APIs need of it.
    op("CreateApiMapping", "POST", "/v2/domainnames/{domainName}/apimappings", 201, "", "apiId! apiMappingKey stage!", api_mappings::create),
    op("GetApiMappings", "GET", "/v2/domainnames/{domainName}/apimappings", 200, "maxResults nextToken", "", api_mappings::list),
    op("GetApiMapping", "GET", "/v2/domainnames/{domainName}/apimappings/{apiMappingId}", 200, "", "", api_mappings::get),
    op("UpdateApiMapping", "PATCH", "/v2/domainnames/{domainName}/apimappings/{apiMappingId}", 200, "", "apiId! apiMappingKey stage", api_mappings::update),
    op("DeleteApiMapping", "DELETE", "/v2/domainnames/{domainName}/apimappings/{apiMappingId}", 204, "", "", api_mappings::delete),
    op("CreateRoutingRule", "POST", "/v2/domainnames/{domainName}/routingrules", 201, "domainNameId", "actions[]:RoutingRuleAction! conditions[]:RoutingRuleCondition! priority:int!", routing_rules::create),
    op("ListRoutingRules", "GET", "/v2/domainnames/{domainName}/routingrules", 200, "domainNameId maxResults:int nextToken", "", routing_rules::list),
    op("GetRoutingRule", "GET", "/v2/domainnames/{domainName}/routingrules/{routingRuleId}", 200, "domainNameId", "", routing_rules::get),
    op("PutRoutingRule", "PUT", "/v2/domainnames/{domainName}/routingrules/{routingRuleId}", 200, "domainNameId", "actions[]:RoutingRuleAction! conditions[]:RoutingRuleCondition! priority:int!", routing_rules::put),
    op("DeleteRoutingRule", "DELETE", "/v2/domainnames/{domainName}/routingrules/{routingRuleId}", 204, "domainNameId", "", routing_rules::delete),
];

/// The operation that a verb, the raw segments of a path and a query mean, with the decoded parameters of its path.
///
/// A path is split before it is decoded: a segment may hold an encoded slash (wire-protocol section 2).
pub fn find(
    verb: &str,
    path: &str,
    query: &[(String, String)],
) -> Option<(&'static Operation, Vec<(&'static str, String)>)> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let mut found: Option<(&'static Operation, Vec<(&'static str, String)>)> = None;
    for operation in OPERATIONS.iter().filter(|operation| operation.verb == verb) {
        let (template, condition) = operation.path.split_once('?').unwrap_or((operation.path, ""));
        let meant =
            condition.split_once('=').is_none_or(|(name, value)| query.iter().any(|(n, v)| n == name && v == value));
        let Some(values) = matched(template, &segments).filter(|_| meant) else { continue };
        // One with a condition is meant before the one without: `POST /restapis?mode=import`.
        if found.is_none() || !condition.is_empty() {
            found = Some((operation, values));
        }
    }
    found
}

fn matched(template: &'static str, segments: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let parts = template.strip_prefix('/').unwrap_or(template).split('/');
    let mut values = Vec::new();
    let mut given = segments.iter();
    for part in parts {
        let segment = given.next()?;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) if !segment.is_empty() => values.push((name, decode(segment)?)),
            None if part == *segment => {}
            _ => return None,
        }
    }
    given.next().is_none().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::super::shapes;
    use super::*;

    #[track_caller]
    fn check(verb: &str, target: &str, expected: Option<(&str, &[&str])>) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query: Vec<_> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect();
        let found = find(verb, path, &query);
        let found = found.map(|(operation, values)| {
            (operation.name, values.into_iter().map(|(_, value)| value).collect::<Vec<_>>())
        });
        assert_eq!(found, expected.map(|(name, values)| (name, values.iter().map(|v| (*v).to_owned()).collect())));
    }

    #[test]
    fn calls_as_clients_send_them() {
        check("POST", "/restapis", Some(("CreateRestApi", &[])));
        check("POST", "/restapis?mode=import&basepath=split", Some(("ImportRestApi", &[])));
        check("GET", "/restapis/a", Some(("GetRestApi", &["a"])));
        check(
            "PUT",
            "/restapis/a/resources/b/methods/GET/integration/responses/200",
            Some(("PutIntegrationResponse", &["a", "b", "GET", "200"])),
        );
        let arn = "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Fabc";
        check("PUT", arn, Some(("TagResource", &["arn:aws:apigateway:us-east-1::/restapis/abc"])));
        check(
            "GET",
            "/domainnames/d.com/basepathmappings/%28none%29",
            Some(("GetBasePathMapping", &["d.com", "(none)"])),
        );
        check("PATCH", "/restapis", None);
        check("GET", "/restapis/", None);
        check("GET", "/restapis/a/nothing", None);
        check("GET", "/restapis/%zz", None);
    }

    #[test]
    fn the_registry_is_sound() {
        let v1 = OPERATIONS.iter().filter(|operation| !operation.path.starts_with("/v2/")).count();
        assert_eq!(v1, 124, "the operations of API Gateway v1");
        for operation in OPERATIONS {
            let same = OPERATIONS.iter().filter(|other| other.name == operation.name).count();
            assert_eq!(same, 1, "{}", operation.name);
            let texts = [operation.query, if operation.body == DOCUMENT { "" } else { operation.body }];
            for member in texts.iter().flat_map(|text| shapes::members(text)) {
                let known = matches!(member.kind, "" | "bool" | "int" | "double") || shapes::is_known(member.kind);
                assert!(known, "{}: {member:?}", operation.name);
            }
        }
    }
}
