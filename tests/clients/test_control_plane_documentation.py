"""Documentation parts and versions."""
import json

from cases import ABSENT, ANY, Refused, bad, bad_ops, check, conflict, constraint, invalid, missing, pages, patch

PROPERTIES = '{ "description":"x" }'
NO_PART = missing("Invalid Documentation part identifier specified")
NO_VERSION = missing("Invalid Documentation version specified")
NO_API = missing("Invalid API identifier specified <account>:nothere123")
KINDS = ("RESPONSE_BODY, RESPONSE, METHOD, MODEL, AUTHORIZER, RESPONSE_HEADER, RESOURCE, PATH_PARAMETER, REQUEST_BODY, QUERY_PARAMETER, API, "
         "REQUEST_HEADER")


def create(expected, kind="API", properties=PROPERTIES, **location):
    return "create_documentation_part", {"restApiId": "<api>", "location": {"type": kind, **location}, "properties": properties}, expected


def update(op, path, value, expected):
    return "update_documentation_part", {"restApiId": "<api>", "documentationPartId": "<part>", **patch(op, path, value)}, expected


def test_documentation_parts(aws, known):
    one = {"restApiId": "<api>", "documentationPartId": "<part>"}
    operations, violated = bad_ops("DocumentationPart")
    kinds = constraint("WRONG", "createDocumentationPartInput.location.type", f"Member must satisfy enum value set: [{KINDS}]")
    check(aws, known, [
        ("create_documentation_part", {"restApiId": "<api>", "location": {"type": "API"}, "properties": PROPERTIES},
         {"id": lambda id: len(id) == 6, "location": {"type": "API"}, "properties": PROPERTIES}, {"part": "id"}),
        create(Refused("ConflictException", ANY)),
        create({"location": {"type": "MODEL", "name": "Pet"}}, "MODEL", name="Pet"),
        create({"location": {"type": "AUTHORIZER", "name": "a"}}, "AUTHORIZER", name="a"),
        create({"location": {"type": "RESOURCE", "path": "/pets"}}, "RESOURCE", path="/pets"),
        create({"location": {"type": "METHOD", "path": "/pets", "method": "GET"}}, "METHOD", path="/pets", method="GET"),
        create({"location": {"type": "QUERY_PARAMETER", "name": "q", "path": "/pets"}}, "QUERY_PARAMETER", name="q", path="/pets", method="GET"),
        create({"location": {"type": "PATH_PARAMETER", "name": "id"}}, "PATH_PARAMETER", name="id", path="/pets", method="GET"),
        create({"location": {"type": "REQUEST_HEADER", "name": "X"}}, "REQUEST_HEADER", name="X", path="/pets", method="GET"),
        create({"location": {"type": "REQUEST_BODY"}}, "REQUEST_BODY", path="/pets", method="GET"),
        create({"location": {"type": "RESPONSE", "statusCode": "200"}}, "RESPONSE", path="/pets", method="GET", statusCode="200"),
        create({"location": {"type": "RESPONSE_HEADER", "name": "X"}}, "RESPONSE_HEADER", name="X", path="/pets", method="GET", statusCode="200"),
        create({"location": {"type": "RESPONSE_BODY"}}, "RESPONSE_BODY", path="/pets", method="GET", statusCode="200"),
        create(invalid(kinds), "WRONG"),
        create(bad(), "METHOD", ""),
        create(bad(), "MODEL"),
        ("create_documentation_part", {"restApiId": "<api>", "location": {"type": "API"}}, Refused("ValidationException", ANY)),
        ("create_documentation_part", {"restApiId": "nothere123", "location": {"type": "API"}, "properties": "{}"}, NO_API),
        ("get_documentation_parts", {"restApiId": "nothere123"}, NO_API),
        ("get_documentation_part", one, {"properties": PROPERTIES}),
        ("get_documentation_parts", {"restApiId": "<api>", "type": "MODEL"}, {"items": lambda items: [item["location"]["name"] for item in items] == ["Pet"]}),
        ("get_documentation_parts", {"restApiId": "<api>", "path": "/pets", "type": "RESOURCE"}, {"items": lambda items: len(items) == 1}),
        ("get_documentation_parts", {"restApiId": "<api>", "nameQuery": "X"}, {"items": lambda items: len(items) == 2}),
        update("replace", "/properties", '{"description":"new"}', {"properties": '{"description":"new"}'}),
        update("replace", "/properties", "", bad("Documentation part properties must be non-empty")),
        update("replace", "/nothing", "x", bad("Invalid patch path  '/nothing' specified for op 'replace'. Must be one of: [/properties]")),
        *[update(op, path, "x", bad(f"Invalid patch path  '{path}' specified for op '{op}'. Please choose supported operations"))
          for op in ("add", "remove", "copy", "move", "test") for path in ("/properties", "/nothing")],
        ("update_documentation_part", {**one, **operations}, violated),
        *[(operation, {"restApiId": "<api>", "documentationPartId": "abcdef", **more}, NO_PART) for operation, more in (
            ("get_documentation_part", {}), ("delete_documentation_part", {}), ("update_documentation_part", patch("replace", "/properties", "{}")))],
        ("delete_documentation_part", {"restApiId": "nothere123", "documentationPartId": "<part>"}, NO_API),
    ])
    pages(aws, "get_documentation_parts", {"restApiId": known["api"]}, "id", 12)
    check(aws, known, [("delete_documentation_part", one, {}), ("delete_documentation_part", one, NO_PART), ("get_documentation_part", one, NO_PART)])


def test_documentation_versions(aws, known):
    one = {"restApiId": "<api>", "documentationVersion": "1.0"}
    operations, violated = bad_ops("DocumentationVersion")
    check(aws, known, [
        create({}),
        ("create_documentation_version", {**one, "description": "d"}, {"version": "1.0", "description": "d", "createdDate": lambda date: date.timestamp() > 0}),
        ("create_documentation_version", one, Refused("ConflictException", ANY)),
        ("create_documentation_version", {"restApiId": "<api>", "documentationVersion": "2.0"}, {"version": "2.0", "description": ABSENT}),
        ("create_documentation_version", {"restApiId": "<api>", "documentationVersion": "3.0"}, {}),
        ("create_documentation_version", {"restApiId": "<api>", "documentationVersion": "4.0", "stageName": "nobody"}, missing("Invalid Stage identifier specified")),
        ("create_documentation_version", {"restApiId": "<api>"}, Refused("ValidationException", ANY)),
        ("create_documentation_version", {"restApiId": "nothere123", "documentationVersion": "1.0"}, NO_API),
        ("get_documentation_version", one, {"version": "1.0"}),
        ("update_documentation_version", {**one, **patch("replace", "/description", "new")}, {"description": "new"}),
        *[("update_documentation_version", {**one, **patch(op, "/description", "x")}, bad()) for op in ("add", "remove", "copy", "move", "test")],
        ("update_documentation_version", {**one, **patch("replace", "/nothing", "x")}, bad()),
        ("update_documentation_version", {**one, **operations}, violated),
        *[(operation, {"restApiId": "<api>", "documentationVersion": "nobody", **more}, NO_VERSION) for operation, more in (
            ("get_documentation_version", {}), ("delete_documentation_version", {}),
            ("update_documentation_version", patch("replace", "/description", "x")))],
    ])
    pages(aws, "get_documentation_versions", {"restApiId": known["api"]}, "version", 3)
    check(aws, known, [
        ("delete_documentation_version", one, {}),
        ("delete_documentation_version", one, NO_VERSION),
        ("get_documentation_version", one, NO_VERSION),
    ])


def test_documentation_is_imported(aws, known):
    def document(*parts):
        parts = [{"location": {"type": "MODEL", "name": name}, "properties": {"description": text}} for name, text in parts]
        return json.dumps({"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": {},
                           "x-amazon-apigateway-documentation": {"documentationParts": parts}})

    def names(items):
        return sorted((item["location"]["name"], json.loads(item["properties"])["description"]) for item in items)

    unable = bad("Unable to build importer with provided input.")
    check(aws, known, [
        ("import_documentation_parts", {"restApiId": "<api>", "mode": "merge", "body": document(("A", "1"), ("B", "1"))},
         {"ids": lambda ids: len(ids) == 2}),
        ("import_documentation_parts", {"restApiId": "<api>", "mode": "merge", "body": document(("B", "2"), ("C", "2"))}, {"ids": lambda ids: len(ids) == 2}),
        ("get_documentation_parts", {"restApiId": "<api>"}, {"items": lambda items: names(items) == [("A", "1"), ("B", "2"), ("C", "2")]}),
        ("import_documentation_parts", {"restApiId": "<api>", "mode": "overwrite", "body": document(("D", "3"))}, {"ids": lambda ids: len(ids) == 1}),
        ("get_documentation_parts", {"restApiId": "<api>"}, {"items": lambda items: names(items) == [("D", "3")]}),
        ("import_documentation_parts", {"restApiId": "<api>", "mode": "merge", "body": b"nonsense"}, unable),
        ("import_documentation_parts", {"restApiId": "<api>", "mode": "merge", "body": b"{"}, unable),
        ("import_documentation_parts", {"restApiId": "<api>", "mode": "wrong", "body": document()}, Refused("ValidationException", ANY)),
        ("import_documentation_parts", {"restApiId": "nothere123", "mode": "merge", "body": document()}, NO_API),
    ])
