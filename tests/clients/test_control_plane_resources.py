"""Resources: one tree an API, with AWS's rules about what may stand beside and below what."""
from cases import ABSENT, bad, bad_ops, check, conflict, missing, pages, patch, unserializable

NOBODY = missing("Invalid Resource identifier specified")
PART = bad("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")


def create(part, expected, parent="<root>", keep=None):
    return "create_resource", {"restApiId": "<api>", "parentId": parent, "pathPart": part}, expected, *([{keep: "id"}] if keep else [])


def update(id, op, path, value, expected):
    return "update_resource", {"restApiId": "<api>", "resourceId": id, **patch(op, path, value)}, expected


def test_resources_from_creation_to_deletion(aws, known):
    one = {"restApiId": "<api>", "resourceId": "<pets>"}
    check(aws, known, [
        create("pets", {"id": lambda id: len(id) == 6, "parentId": known["root"], "path": "/pets", "pathPart": "pets"}, keep="pets"),
        create("{petId}", {"path": "/pets/{petId}"}, "<pets>", "pet"),
        create("photos", {"path": "/pets/{petId}/photos"}, "<pet>", "photos"),
        # Static siblings of a variable are fine, and so are children of the root beside a greedy one.
        create("mine", {"path": "/pets/mine"}, "<pets>"),
        create("{proxy+}", {"path": "/{proxy+}"}, keep="greedy"),
        create("a.b_c-d:e", {"path": "/a.b_c-d:e"}, keep="odd"),
        create("~tilde*", {"path": "/~tilde*"}),
        create("{dollar$.-_}", {"path": "/a.b_c-d:e/{dollar$.-_}"}, "<odd>"),
        ("get_resource", one, {"path": "/pets", "resourceMethods": ABSENT}),
        ("get_resources", {"restApiId": "<api>"}, {"items": lambda items: [item["path"] for item in items] == sorted(
            item["path"] for item in items) and items[0] == {"id": known["root"], "path": "/"}}),
        ("put_method", {**one, "httpMethod": "GET", "authorizationType": "NONE"}, {}),
        ("put_integration", {**one, "httpMethod": "GET", "type": "MOCK"}, {}),
        ("get_resource", one, {"resourceMethods": lambda methods: methods == {"GET": {}}}),
        ("get_resource", {**one, "embed": ["methods"]}, {"resourceMethods": {"GET": {
            "httpMethod": "GET", "authorizationType": "NONE", "methodIntegration": {"type": "MOCK"}}}}),
        ("get_resources", {"restApiId": "<api>", "embed": ["methods"], "limit": 500}, {"items": lambda items: [
            item["resourceMethods"]["GET"]["methodIntegration"]["type"] for item in items if "resourceMethods" in item] == ["MOCK"]}),
        update("<pet>", "replace", "/pathPart", "{id}", {"path": "/pets/{id}", "pathPart": "{id}"}),
        # What is below moves along.
        ("get_resource", {"restApiId": "<api>", "resourceId": "<photos>"}, {"path": "/pets/{id}/photos"}),
        update("<photos>", "replace", "/parentId", "<root>", {"path": "/photos", "parentId": known["root"]}),
        update("<photos>", "replace", "/parentId", "<pet>", {"path": "/pets/{id}/photos"}),
    ])
    assert pages(aws, "get_resources", {"restApiId": known["api"]}, "id", 8)[0] == known["root"]
    check(aws, known, [
        ("delete_resource", one, {}),
        ("delete_resource", one, NOBODY),
        # With all below it.
        ("get_resource", {"restApiId": "<api>", "resourceId": "<photos>"}, NOBODY),
        ("get_method", {**one, "httpMethod": "GET"}, NOBODY),
        create("pets", {"path": "/pets"}),
    ])


def test_resources_that_cannot_be(aws, known):
    sibling = "A sibling ({a}) of this resource already has a variable path part -- only one is allowed"
    greedy = "A sibling ({proxy+}) of this resource already has a variable path part -- only one is allowed"
    child = "Cannot create a child of a resource with a greedy path variable: {proxy+}"
    known_paths = "Must be one of: [/parentId, /pathPart]"
    operations, violated = bad_ops("Resource")
    check(aws, known, [
        create("one", {}, keep="one"),
        create("two", {}, keep="two"),
        create("below", {}, "<one>", "below"),
        create("one", conflict("Another resource with the same parent already has this name: one")),
        create("{a}", {}, "<one>", "variable"),
        create("{b}", bad(sibling), "<one>"),
        create("{b+}", bad(sibling), "<one>"),
        create("{proxy+}", {}, keep="greedy"),
        create("{x}", bad(greedy)),
        create("child", bad(child), "<greedy>"),
        *[create(part, PART) for part in ("a b", "a/b", "é", "{a", "a}", "{}", "{+}", "{a b}", "x{a}", "{a}y", "{a+}y", "{a++}")],
        create("x", NOBODY, "abcdef"),
        ("create_resource", {"restApiId": "nothere123", "parentId": "<root>", "pathPart": "x"}, NOBODY),
        ("get_resource", {"restApiId": "<api>", "resourceId": "abcdef"}, NOBODY),
        ("get_resource", {"restApiId": "nothere123", "resourceId": "<root>"}, NOBODY),
        ("get_resources", {"restApiId": "nothere123"}, missing()),
        ("delete_resource", {"restApiId": "nothere123", "resourceId": "<root>"}, NOBODY),
        ("delete_resource", {"restApiId": "<api>", "resourceId": "<root>"}, bad()),
        update("abcdef", "replace", "/pathPart", "x", NOBODY),
        update("<one>", "replace", "/pathPart", "two", conflict("Another resource with the same parent already has this name: two")),
        update("<one>", "replace", "/pathPart", "{x}", bad(greedy)),
        update("<one>", "replace", "/pathPart", "a b", PART),
        update("<one>", "replace", "/parentId", "abcdef", NOBODY),
        update("<one>", "replace", "/parentId", "<below>", bad("Resources cannot be cyclical.")),
        update("<one>", "replace", "/parentId", "<one>", bad("Resources cannot be cyclical.")),
        update("<two>", "replace", "/parentId", "<greedy>", bad(child)),
        update("<root>", "replace", "/pathPart", "x", bad("Root resource cannot update its pathPart.")),
        update("<root>", "replace", "/parentId", "<one>", bad("Root resource cannot update its parentId.")),
        update("<one>", "replace", "/nothing", "x", bad(f"Invalid patch path  '/nothing' specified for op 'replace'. {known_paths}")),
        *[update("<one>", op, path, "x", bad(f"Invalid patch path  '{path}' specified for op '{op}'. Please choose supported operations"))
          for op in ("add", "remove", "move", "copy", "test") for path in ("/pathPart", "/parentId", "/nothing")],
        ("update_resource", {"restApiId": "<api>", "resourceId": "<one>", **operations}, violated),
        ("update_resource", {"restApiId": "nothere123", "resourceId": "<one>", **patch("replace", "/pathPart", "y")}, NOBODY),
        ("create_resource", {"restApiId": "<api>", "parentId": "<root>", "pathPart": True},
         unserializable("class java.lang.Boolean can not be converted to an String")),
    ])


def test_resources_of_an_unknown_api_are_unknown_resources(aws, known):
    owner = {"restApiId": "nothere123", "resourceId": "<root>", "httpMethod": "GET"}
    one = {**owner, "statusCode": "200"}
    check(aws, known, [
        ("put_method", {**owner, "authorizationType": "NONE"}, NOBODY),
        ("get_method", owner, NOBODY),
        ("update_method", {**owner, **patch("replace", "/apiKeyRequired", "true")}, NOBODY),
        ("delete_method", owner, NOBODY),
        ("put_method_response", one, NOBODY),
        ("get_method_response", one, NOBODY),
        ("update_method_response", {**one, **patch("add", "/responseModels/a~1b", "Empty")}, NOBODY),
        ("delete_method_response", one, NOBODY),
        ("put_integration", {**owner, "type": "MOCK"}, NOBODY),
        ("get_integration", owner, NOBODY),
        ("update_integration", {**owner, **patch("replace", "/timeoutInMillis", "100")}, NOBODY),
        ("delete_integration", owner, NOBODY),
        ("put_integration_response", one, NOBODY),
        ("get_integration_response", one, NOBODY),
        ("update_integration_response", {**one, **patch("replace", "/selectionPattern", "x")}, NOBODY),
        ("delete_integration_response", one, NOBODY),
        ("test_invoke_method", owner, NOBODY),
    ])
