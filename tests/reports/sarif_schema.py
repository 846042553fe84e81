"""The part of the JSON Schema of SARIF 2.1.0 that our logs use, stricter: no property besides these may be there.

Written after https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json (OASIS Standard
with errata 01), and what GitHub asks for on top: https://docs.github.com/en/code-security/reference/code-scanning/
sarif-files/sarif-support. The types of DefinitelyTyped (`@types/sarif`, made from that schema) accept our logs, too.
"""

from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_COUNT = {"type": "integer", "minimum": 1}


def _exactly(required: dict[str, Any], **optional: Any) -> dict[str, Any]:  # noqa: ANN401 - schemas
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


_MESSAGE = _exactly({"text": {**_TEXT, "maxLength": 1024}})
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_RULE = _exactly(
    {
        "id": {"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$", "maxLength": 255},
        "shortDescription": _MESSAGE,
        "fullDescription": _MESSAGE,
        "help": _MESSAGE,
        "properties": _exactly({"tags": {"type": "array", "items": _TEXT, "maxItems": 20}}),
    }
)
_LOCATION = _exactly(
    {
        "physicalLocation": _exactly(
            {
                "artifactLocation": _exactly(
                    {"uri": {"type": "string", "pattern": "^[A-Za-z0-9._~/%:-]+$"}}, uriBaseId=_TEXT
                ),
                "region": _exactly({"startLine": _COUNT, "startColumn": _COUNT}, endColumn=_COUNT),
            }
        )
    }
)
_RESULT = _exactly(
    {
        "ruleId": _TEXT,
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": _LEVEL,
        "message": _MESSAGE,
        "partialFingerprints": _exactly(
            {"primaryLocationLineHash": {"type": "string", "pattern": "^[0-9a-f]{16}:[0-9]+$"}}
        ),
    },
    locations={"type": "array", "items": _LOCATION, "minItems": 1, "maxItems": 1},
)
_RUN = _exactly(
    {
        "tool": _exactly(
            {
                "driver": _exactly(
                    {
                        "name": _TEXT,
                        "semanticVersion": {"type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+"},
                        "rules": {"type": "array", "items": _RULE, "uniqueItems": True},
                    }
                )
            }
        ),
        "automationDetails": _exactly({"id": {"type": "string", "pattern": "^[^/]+/$"}}),
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "originalUriBaseIds": {
            "type": "object",
            "additionalProperties": _exactly({"description": _MESSAGE}),
            "minProperties": 1,
        },
        "invocations": {
            "type": "array",
            "items": _exactly(
                {"executionSuccessful": {"type": "boolean"}},
                toolExecutionNotifications={"type": "array", "items": _exactly({"level": _LEVEL, "message": _MESSAGE})},
            ),
        },
        "results": {"type": "array", "items": _RESULT, "maxItems": 25_000},
    }
)
SARIF = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    **_exactly(
        {
            "$schema": {"type": "string", "format": "uri"},
            "version": {"const": "2.1.0"},
            "runs": {"type": "array", "items": _RUN, "maxItems": 20},
        }
    ),
}
