"""What of a new description of the API breaks those who have been written for the old one."""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")


def breaking(old: Document, new: Document) -> list[str]:
    """Each break in one line. What is sent may not have to be more; what is answered may not be less."""
    return sorted({*_paths(old, new)})


def _paths(old: Document, new: Document) -> Iterator[str]:
    for path, methods in old["paths"].items():
        for method in (each for each in _METHODS if each in methods):
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{method.upper()} {path} is gone"
                continue
            yield from _operation(f"{method.upper()} {path}", methods[method], after, old, new)


def _operation(
    place: str, before: Document, after: Document, old: Document, new: Document
) -> Iterator[str]:
    yield from _parameters(place, before, after, old, new)
    yield from _body(place, before, after, old, new)
    for status, answered in before["responses"].items():
        if status not in after["responses"]:
            yield f"{place}: no answer {status} any more"
            continue
        for media, content in answered.get("content", {}).items():
            now = after["responses"][status].get("content", {}).get(media)
            if now is None:
                yield f"{place} {status}: no {media} any more"
            else:
                shapes = content.get("schema", {}), now.get("schema", {})
                yield from _answered(f"{place} {status}", *shapes, old, new, ())


def _parameters(
    place: str, before: Document, after: Document, old: Document, new: Document
) -> Iterator[str]:
    was, now = ({(p["in"], p["name"]): p for p in d.get("parameters", [])} for d in (before, after))
    for key, parameter in was.items():
        named = f"{place}: {key[0]} {key[1]}"
        if key not in now:
            yield f"{named} is gone"
        else:
            shapes = parameter.get("schema", {}), now[key].get("schema", {})
            yield from _sent(named, *shapes, old, new, ())
    for key, parameter in now.items():
        if parameter.get("required") and not was.get(key, {}).get("required"):
            yield f"{place}: {key[0]} {key[1]} is required now"


def _body(
    place: str, before: Document, after: Document, old: Document, new: Document
) -> Iterator[str]:
    was, now = (d.get("requestBody", {}) for d in (before, after))
    if now.get("required") and not was.get("required"):
        yield f"{place}: a body is required now"
    for media, content in was.get("content", {}).items():
        if media not in now.get("content", {}):
            yield f"{place}: no body in {media} any more"
            continue
        shapes = content["schema"], now["content"][media]["schema"]
        yield from _sent(f"{place} body", *shapes, old, new, ())


def _answered(
    place: str, was: Document, now: Document, old: Document, new: Document, seen: tuple[str, ...]
) -> Iterator[str]:
    """A field that was there is there, of no other type; one that was always there still is."""
    if was.get("$ref") in seen:
        return
    seen = (*seen, str(was.get("$ref", "")))
    was, now = _resolved(was, old), _resolved(now, new)
    yield from _types(place, now, was)
    for name, shape in was.get("properties", {}).items():
        if name not in now.get("properties", {}):
            yield f"{place}: {name} is not answered any more"
            continue
        yield from _answered(f"{place}.{name}", shape, now["properties"][name], old, new, seen)
        if name in was.get("required", []) and name not in now.get("required", []):
            yield f"{place}: {name} is not always answered any more"
    if "items" in was:
        yield from _answered(f"{place}[]", was["items"], now.get("items", {}), old, new, seen)


def _sent(
    place: str, was: Document, now: Document, old: Document, new: Document, seen: tuple[str, ...]
) -> Iterator[str]:
    """Whatever could be sent can be, and need not be more."""
    if was.get("$ref") in seen:
        return
    seen = (*seen, str(was.get("$ref", "")))
    was, now = _resolved(was, old), _resolved(now, new)
    if "oneOf" in was:
        yield from _options(place, was, now, old, new, seen)
    yield from _types(place, was, now)
    gone = set(was.get("enum", [])) - set(now.get("enum", was.get("enum", [])))
    yield from (f"{place}: {value} is not taken any more" for value in sorted(map(str, gone)))
    if "enum" in now and "enum" not in was:
        yield f"{place}: only some values are taken now"
    for name in set(now.get("required", [])) - set(was.get("required", [])):
        yield f"{place}: {name} is required now"
    for name, shape in was.get("properties", {}).items():
        if name not in now.get("properties", {}):
            yield f"{place}: {name} is not taken any more"
        else:
            yield from _sent(f"{place}.{name}", shape, now["properties"][name], old, new, seen)


def _options(
    place: str, was: Document, now: Document, old: Document, new: Document, seen: tuple[str, ...]
) -> Iterator[str]:
    """Each shape that was taken still is, by its title."""
    after = {each["title"]: each for each in now.get("oneOf", [])}
    for option in was["oneOf"]:
        title = option["title"]
        if title not in after:
            yield f"{place}: {title} is not taken any more"
        else:
            yield from _sent(f"{place} {title}", option, after[title], old, new, seen)


def _types(place: str, fewer: Document, more: Document) -> Iterator[str]:
    """Each type of the one is a type of the other."""
    missing = _kinds(fewer) - _kinds(more)
    if missing and _kinds(more):
        yield f"{place}: {', '.join(sorted(missing))} instead of {', '.join(sorted(_kinds(more)))}"


def _kinds(shape: Document) -> set[str]:
    options = shape.get("anyOf", [shape])
    return {str(each["type"]) for each in options if "type" in each}


def _resolved(shape: Document, document: Document) -> Document:
    """What a reference leads to; of several options, the one that is not null."""
    for _ in range(9):
        if "$ref" in shape:
            shape = document["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
            continue
        options = [each for each in shape.get("anyOf", []) if each.get("type") != "null"]
        if len(options) == 1 and "$ref" in options[0]:
            shape = options[0]
            continue
        if len(options) == 1:
            return options[0] | {"anyOf": shape["anyOf"]}
        break
    return shape
