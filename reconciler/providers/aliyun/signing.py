"""ACS3-HMAC-SHA256, the signature (V3) of Alibaba Cloud's RPC APIs.

https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from reconciler.provider import (
    AccessKey,
    CredentialSource,
    RenewingAuth,
    destination,
    parsed_object,
    said_in,
    signature,
    signed_headers,
    stamp,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import httpx

ALGORITHM = "ACS3-HMAC-SHA256"
DATE_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
KEY_REFUSED = ("invalidaccesskeyid", "invalidsecuritytoken", "missingsecuritytoken")


def authorization(key: AccessKey, method: str, target: str, headers: Mapping[str, str]) -> str:
    """The Authorization header of a request.

    `target` is the path and query as sent, the query canonical; `headers` are those to be signed, names in lower
    case, among them `x-acs-content-sha256`.
    """
    path, _, query = target.partition("?")
    signed = signature(key.secret, ALGORITHM, method, path or "/", query, headers, headers["x-acs-content-sha256"])
    return f"{ALGORITHM} Credential={key.id},SignedHeaders={';'.join(sorted(headers))},Signature={signed}"


def sign(request: httpx.Request, key: AccessKey, date: datetime, nonce: str) -> None:
    """Sign `request`, with a nonce never used before: the gateway refuses one seen twice."""
    request.headers["x-acs-date"] = stamp(date, DATE_FORMAT)
    request.headers["x-acs-signature-nonce"] = nonce
    request.headers["x-acs-content-sha256"] = hashlib.sha256(request.content).hexdigest()
    if key.security_token:
        request.headers["x-acs-security-token"] = key.security_token
    # Host and every x-acs header must be signed; a body, and with it a content type, is never sent.
    signed = signed_headers(request, lambda name: name == "host" or name.startswith("x-acs-"))
    target = destination(request).target
    request.headers["Authorization"] = authorization(key, request.method, target, signed)


class SignatureAuth(RenewingAuth["AccessKey"]):
    """Signs each request at the moment it is sent."""

    def __init__(
        self, source: CredentialSource[AccessKey], now: Callable[[], datetime], nonce: Callable[[], str]
    ) -> None:
        super().__init__(source)
        self._now = now
        self._nonce = nonce

    def mark(self, request: httpx.Request, credential: AccessKey) -> None:
        sign(request, credential, self._now(), self._nonce())

    def refused(self, response: httpx.Response) -> bool:
        """The gateway looks at the key before it looks at the call. A wrong clock or signature no new key mends."""
        if not response.is_client_error:
            return False
        code = said_in((parsed_object(response) or {}).get("Code")).casefold()
        return code.startswith(KEY_REFUSED)
