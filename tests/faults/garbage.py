"""What somebody may put on the queue, by mistake or on purpose, that no publisher of ours ever would."""

import base64
import json
import pickle
from typing import Any
from uuid import UUID, uuid4


def enveloped(
    body: bytes,
    *,
    task: str = "send_email",
    content: str = "application/json",
    encoding: str = "utf-8",
    **headers: Any,
) -> bytes:
    """A message as Celery sends it, with this body."""
    name = str(uuid4())
    properties = {
        "correlation_id": name,
        "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": "onboarding"},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": name,
    }
    described = {"lang": "py", "task": task, "id": name, "root_id": name, "parent_id": None}
    message = {
        "body": base64.b64encode(body).decode(),
        "content-type": content,
        "content-encoding": encoding,
        "headers": described | headers,
        "properties": properties,
    }
    return json.dumps(message).encode()


def call(*arguments: Any, **named: Any) -> bytes:
    """The body of a message that calls a task with these arguments."""
    return json.dumps([arguments, named, {}]).encode()


def a_call(message_id: UUID | str, task: str = "send_email") -> bytes:
    """What our own publisher sends, for any ID."""
    return enveloped(call(str(message_id)), task=task)


GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{not json",
    "no text": b"\xff\xfe\x00",
    "a number": b"5",
    "a list": b"[]",
    "null": b"null",
    "no message": b'{"hello": "world"}',
    "properties of another kind": b'{"properties": []}',
    "a body that is not Base64": b'{"body": "!", "properties": {"delivery_tag": "x",'
    b' "delivery_info": {}, "body_encoding": "base64"}, "headers": {}}',
    "deeply nested": b"[" * 100_000 + b"]" * 100_000,
    "a pickle": enveloped(
        pickle.dumps((("x",), {}, {})), content="application/x-python-serialize", encoding="binary"
    ),
    "YAML": enveloped(b"!!python/object/apply:os.abort []", content="application/x-yaml"),
    "another's task": enveloped(call("x"), task="somebody.elses.task"),
    "no task": enveloped(call("x"), task=None),  # type: ignore[arg-type]
    "no argument": enveloped(call()),
    "too many arguments": enveloped(call(1, 2, 3)),
    "a named argument": enveloped(call(message="x")),
    "an argument of another kind": enveloped(call({"a": [1]})),
    "ten megabytes": enveloped(call("x" * 10_000_000)),
    "an ID of a million characters": enveloped(call("0" * 1_000_000)),
    "a body that is a number": enveloped(b"5"),
    "a body that is null": enveloped(b"null"),
    "a body that is no JSON": enveloped(b"{nope"),
    "a deeply nested body": enveloped(b"[" * 100_000 + b"]" * 100_000),
    "an unknown encoding": enveloped(call("x"), encoding="rot13"),
    "no time": enveloped(call("x"), eta="tomorrow", expires="never", timelimit="short"),
}
