"""The ways in which Aliyun writes a list of strings, all seen in the vendor's own material."""

import json
from collections.abc import Sequence
from typing import Any

from reconciler.simulator.options import ResponseShape


def put_strings(body: dict[str, Any], key: str, strings: Sequence[str], shape: ResponseShape, wrapper: str) -> None:
    """Write `strings` into `body[key]`. `wrapper` is the inner key of the wrapped shape."""
    listed = list(strings)
    match shape:
        case ResponseShape.ARRAY:
            body[key] = listed
        case ResponseShape.COMMA_JOINED:
            body[key] = [",".join(listed)] if listed else []
        case ResponseShape.JSON_IN_ARRAY:
            body[key] = [json.dumps(listed)] if listed else []
        case ResponseShape.QUOTED_IN_ARRAY:
            body[key] = ["[" + ", ".join(f"'{text}'" for text in listed) + "]"] if listed else []
        case ResponseShape.BARE_STRING:
            body[key] = json.dumps(listed)
        case ResponseShape.WRAPPED:
            body[key] = {wrapper: listed}
        case ResponseShape.MISSING:
            if listed:
                body[key] = listed
        case ResponseShape.NULL:
            body[key] = listed or None


def put_records(body: dict[str, Any], key: str, records: list[Any], shape: ResponseShape, wrapper: str) -> None:
    """Write a list of objects: only the wrapped, the missing and the null shape exist for these."""
    match shape:
        case ResponseShape.WRAPPED:
            body[key] = {wrapper: records}
        case ResponseShape.MISSING:
            if records:
                body[key] = records
        case ResponseShape.NULL:
            body[key] = records or None
        case _:
            body[key] = records
