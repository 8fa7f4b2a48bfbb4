"""Runs a Lambda handler: asks Weir's Runtime API for events and posts what the handler answers.

AWS's own client, awslambdaric, is used where the function's folder or its interpreter has it. Otherwise this one, which
needs nothing but the standard library, does what Lambda's Python runtime does: the same handler names, the same context
object, the same errors.
"""
import decimal
import importlib
import importlib.util
import json
import logging
import os
import runpy
import socket
import sys
import time
import traceback

ROOT = os.environ["LAMBDA_TASK_ROOT"]
API = "/2018-06-01/runtime/"


class Connection:
    """HTTP/1.1 with one server, which always says how long its answers are."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.address = address
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb", 65536)

    def exchange(self, method, path, body=b"", headers=""):
        head = f"{method} {API}{path} HTTP/1.1\r\nHost: {self.address}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        head = head.encode("latin-1", "replace")
        if len(body) < 65536:
            self.socket.sendall(head + body)
        else:
            self.socket.sendall(head)
            try:
                self.socket.sendall(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it was refused before it was read; the answer says why
        try:
            status = self.reader.readline().split(b" ", 2)
        except ConnectionResetError:
            status = [b"", b"413"] if len(body) > 1024 * 1024 else []
            found, length = {}, 0
            if status:
                return 413, {}, b""
        if len(status) < 2:
            # Weir has ended, and this process with it.
            os._exit(0)
        found, length = {}, 0
        while True:
            line = self.reader.readline()
            if line in (b"\r\n", b"\n", b""):
                break
            name, _, value = line.partition(b":")
            found[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
        length = int(found.get("content-length", "0"))
        return int(status[1]), found, self.reader.read(length) if length else b""


class CognitoIdentity:
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self):
        self.cognito_identity_id = None
        self.cognito_identity_pool_id = None


class Client:
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")

    def __init__(self, fields):
        for name in self.__slots__:
            setattr(self, name, fields.get(name))


class ClientContext:
    __slots__ = ("custom", "env", "client")

    def __init__(self, fields):
        self.custom = fields.get("custom")
        self.env = fields.get("env")
        self.client = Client(fields.get("client") or {})


class LambdaContext:
    def __init__(self, headers):
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.identity = CognitoIdentity()
        self.client_context = None
        if headers.get("lambda-runtime-client-context"):
            self.client_context = ClientContext(json.loads(headers["lambda-runtime-client-context"]))
        self._deadline_ms = int(headers.get("lambda-runtime-deadline-ms", "0"))

    def get_remaining_time_in_millis(self):
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))


class CannotBegin(Exception):
    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind, self.trace = kind, list(trace)


def load(handler):
    module_name, dot, name = handler.rpartition(".")
    if not dot or not module_name:
        raise CannotBegin("Runtime.MalformedHandlerName",
                          f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)")
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise CannotBegin("Runtime.BuiltInModuleConflict",
                          f"Cannot use built-in module {module_name} as a handler module")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise CannotBegin("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}")
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise CannotBegin("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace)
    try:
        return getattr(module, name)
    except AttributeError:
        raise CannotBegin("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'")


def told(error, request_id=""):
    """An exception as Lambda shows it, without the frames of this file."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if frame.filename != __file__ and not frame.filename.startswith("<frozen importlib")]
    return {"errorMessage": str(error), "errorType": type(error).__name__, "requestId": request_id,
            "stackTrace": traceback.format_list(frames)}


def error_type_line(error):
    # A class may be called anything; a header holds less.
    kind = "".join(char if " " <= char <= "~" else "?" for char in error["errorType"])
    return f"Lambda-Runtime-Function-Error-Type: {kind}\r\n"


def log(error):
    lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}"]
    if error["stackTrace"]:
        lines += ["Traceback (most recent call last):"] + error["stackTrace"]
    for line in lines:
        for part in line.rstrip().split("\n"):
            print(part, flush=True)


def other_types(value):
    if isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError(f"Object of type {value.__class__.__name__} is not JSON serializable")


def answer(handler, event, headers):
    """What is to be posted, and to where."""
    request_id = headers["lambda-runtime-aws-request-id"]
    try:
        event = json.loads(event)
    except ValueError as error:
        return "error", {"errorMessage": f"Unable to unmarshal input: {error}", "errorType": "Runtime.UnmarshalError",
                         "requestId": request_id, "stackTrace": []}
    try:
        result = handler(event, LambdaContext(headers))
    except Exception as error:
        return "error", told(error, request_id)
    try:
        return "response", json.dumps(result, ensure_ascii=False, default=other_types)
    except Exception as error:
        return "error", {"errorMessage": f"Unable to marshal response: {error}", "errorType": "Runtime.MarshalError",
                         "requestId": request_id, "stackTrace": []}


class RequestIdFilter(logging.Filter):
    """Puts the request's id where Lambda's own format of log lines has it."""
    request_id = ""

    def filter(self, record):
        record.aws_request_id = RequestIdFilter.request_id
        return True


def prepare_logging():
    handler = logging.StreamHandler(sys.stdout)
    logging.Formatter.converter = time.gmtime
    handler.setFormatter(logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(RequestIdFilter())
    logging.getLogger().addHandler(handler)


def encode(value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # Half a surrogate pair is no UTF-8, but as JSON's own escape it can be said.
    return text.encode("utf-8", "backslashreplace")


def main(name):
    sys.path[0] = ROOT
    own = os.path.join(ROOT, "awslambdaric")
    if os.path.isdir(own) or importlib.util.find_spec("awslambdaric"):
        sys.argv = ["awslambdaric", name]
        runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
        return
    connection = Connection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    prepare_logging()
    try:
        handler = load(name)
    except Exception as error:
        what = told(error)
        if isinstance(error, CannotBegin):
            what.update(errorType=error.kind, stackTrace=error.trace)
        log(what)
        connection.exchange("POST", "init/error", encode(what), error_type_line(what))
        sys.exit(1)
    while True:
        status, headers, event = connection.exchange("GET", "invocation/next")
        if status != 200:
            sys.exit(f"the Runtime API answered {status} to the question for an event")
        request_id = headers["lambda-runtime-aws-request-id"]
        RequestIdFilter.request_id = request_id
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
        what, result = answer(handler, event, headers)
        kind = ""
        if what == "error":
            log(result)
            kind = error_type_line(result)
        status, _, _ = connection.exchange("POST", f"invocation/{request_id}/{what}", encode(result), kind)
        if status == 413:
            connection = Connection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        elif status != 202:
            sys.exit(f"the Runtime API answered {status} to an answer")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
