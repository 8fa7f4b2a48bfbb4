"""Cases of the management API as data: what is called, with what, and what must come back."""
import botocore.exceptions
import pytest

STATUS = {
    "AccessDeniedException": 403,
    "BadRequestException": 400,
    "ConflictException": 409,
    "LimitExceededException": 429,
    "NotFoundException": 404,
    "SerializationException": 400,
    "ServiceUnavailableException": 503,
    "TooManyRequestsException": 429,
    "ValidationException": 400,
}
# A member that must not be there; and what a refusal says where the specification has no words for it.
ABSENT = type("Absent", (), {"__repr__": lambda self: "nothing"})()
ANY = type("Any", (), {"__repr__": lambda self: "any message"})()


class Refused:
    """An error's code and its message, the whole of it."""

    def __init__(self, code, message):
        self.code, self.message = code, message


def bad(message=ANY):
    return Refused("BadRequestException", message)


def missing(message=ANY):
    return Refused("NotFoundException", message)


def conflict(message=ANY):
    return Refused("ConflictException", message)


def invalid(*items):
    count = "1 validation error" if len(items) == 1 else f"{len(items)} validation errors"
    return Refused("ValidationException", f"{count} detected: " + "; ".join(items))


def unserializable(message=ANY):
    return Refused("SerializationException", message)


def constraint(value, where, what):
    return f"Value '{value}' at '{where}' failed to satisfy constraint: {what}"


OPS = "Member must satisfy enum value set: [add, remove, move, test, replace, copy]"


def patch(op, path=None, value=None, source=None):
    members = {"op": op, "path": path, "value": value, "from": source}
    return {"patchOperations": [{name: member for name, member in members.items() if member is not None}]}


def bad_ops(kind):
    """What an `op` is called that there is not, as second of two."""
    operations = [{"op": "replace", "path": "/x"}, {"op": "wrong", "path": "/x"}]
    item = constraint("wrong", f"update{kind}Input.patchOperations.2.member.op", OPS)
    return {"patchOperations": operations}, invalid(item)


def filled(value, known):
    """`<name>` in any text is what `known` has for it."""
    if isinstance(value, str):
        for name, text in known.items():
            value = value.replace(f"<{name}>", str(text))
        return value
    if isinstance(value, dict):
        return {filled(name, known): filled(member, known) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    return value


def differences(expected, found, at=""):
    if expected is ABSENT:
        return [f"{at} should not be there: {found!r}"] if found is not ABSENT else []
    if isinstance(expected, dict) and isinstance(found, dict) and expected:
        return [text for name, value in expected.items() for text in differences(value, found.get(name, ABSENT), f"{at}.{name}")]
    if callable(expected):
        return [] if found is not ABSENT and expected(found) else [f"{at} is {found!r}"]
    same = expected == found and (type(expected) is type(found) or not isinstance(expected, (bool, float)))
    return [] if same else [f"{at} is {found!r}, expected {expected!r}"]


def outcome(client, operation, arguments, expected):
    """What is wrong with what came back, as texts; and the answer."""
    try:
        answer = getattr(client, operation)(**arguments)
    except botocore.exceptions.ClientError as error:
        response = error.response
        told = (response["Error"]["Code"], response["Error"].get("Message"))
        metadata = response["ResponseMetadata"]
        if not isinstance(expected, Refused):
            return [f"refused: {told}"], None
        wrong = []
        if told[0] != expected.code or (expected.message is not ANY and told[1] != expected.message):
            wrong.append(f"\n    found    {told}\n    expected {(expected.code, expected.message)}")
        if not told[1]:
            wrong.append("an empty message")
        if metadata["HTTPStatusCode"] != STATUS.get(told[0]):
            wrong.append(f"status {metadata['HTTPStatusCode']} with {told[0]}")
        if not metadata.get("RequestId"):
            wrong.append("no request id")
        return wrong, None
    metadata = answer.pop("ResponseMetadata")
    if isinstance(expected, Refused):
        return [f"\n    accepted: {answer}\n    expected {(expected.code, expected.message)}"], answer
    wrong = differences(expected, answer) if expected else []
    status = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).http.get("responseCode", 200)
    if metadata["HTTPStatusCode"] != status:
        wrong.append(f"status {metadata['HTTPStatusCode']}, the model says {status}")
    if not metadata.get("RequestId"):
        wrong.append("no request id")
    return wrong, answer


def check(client, known, rows):
    """Every row in its order: operation, arguments, what is expected (a part of the answer or a refusal), and by name what
    of the answer later rows need. All that is wrong is told at once."""
    failures = []
    for number, (operation, arguments, expected, *kept) in enumerate(rows, 1):
        arguments = filled(arguments, known)
        if isinstance(expected, Refused):
            expected = Refused(expected.code, filled(expected.message, known))
        else:
            expected = filled(expected, known)
        wrong, answer = outcome(client, operation, arguments, expected)
        for name, member in kept[0].items() if kept and answer else ():
            known[name] = answer[member]
        shown = ", ".join(f"{name}={str(value)[:200]!r}" for name, value in arguments.items())
        failures += [f"{number}. {operation}({shown}): {text}" for text in wrong]
    if failures:
        pytest.fail("\n" + "\n".join(failures), pytrace=False)


def pages(client, operation, arguments, key, least, names=("limit", "position", "position"), items="items"):
    """Pages of one to three and the whole have the same items in the same order; and how many there are at least."""
    limit, asked, told = names
    numbers = (str, int)[limit == "limit"]
    whole = getattr(client, operation)(**arguments, **{limit: numbers(500)})
    assert told not in whole, f"{operation}: a position behind the last item"
    whole = [item[key] for item in whole[items]]
    assert len(whole) >= least and len(set(whole)) == len(whole), f"{operation}: {whole}"
    for size in (1, 2, 3):
        found, position = [], {}
        while True:
            answer = getattr(client, operation)(**arguments, **position, **{limit: numbers(size)})
            assert 0 < len(answer[items]) <= size, f"{operation} by {size}: {len(answer[items])} items"
            found += [item[key] for item in answer[items]]
            if told not in answer:
                break
            position = {asked: answer[told]}
            assert len(found) <= len(whole), f"{operation} by {size} does not end"
        assert found == whole, f"{operation} by {size}"
    return whole


def forget_plans_and_keys(aws):
    """A plan lets go of its stages before it can be deleted."""
    for plan in aws.get_usage_plans(limit=500)["items"]:
        for stage in plan["apiStages"]:
            aws.update_usage_plan(usagePlanId=plan["id"], **patch("remove", "/apiStages", f"{stage['apiId']}:{stage['stage']}"))
        aws.delete_usage_plan(usagePlanId=plan["id"])
    for key in aws.get_api_keys(limit=500)["items"]:
        aws.delete_api_key(apiKey=key["id"])
