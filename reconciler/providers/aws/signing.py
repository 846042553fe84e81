"""AWS Signature Version 4.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.provider import AccessKey, RenewingAuth, destination, signature, signed_headers, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import httpx

    from reconciler.provider import Codes, CredentialSource

ALGORITHM = "AWS4-HMAC-SHA256"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"
KEY_REFUSED = ("unrecognizedclient", "invalidclienttokenid", "expiredtoken", "invalidaccesskeyid")


@lru_cache
def _derived(secret: str, scope: str) -> bytes:
    """The key of a day, a region and a service."""
    derived = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        derived = hmac.digest(derived, part.encode(), "sha256")
    return derived


def authorization(
    key: AccessKey,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    service: str,
    region: str,
) -> str:
    """The Authorization header of a request.

    `target` is the path and query as sent; `headers` are those to be signed, names in lower case, among them
    `x-amz-date`.
    """
    path, _, query = target.partition("?")
    query = "&".join(sorted(query.split("&"))) if query else ""
    moment = headers["x-amz-date"]
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    derived = _derived(key.secret, scope)
    heading = f"{ALGORITHM}\n{moment}\n{scope}"
    # The path, encoded already, is encoded once more: so do all services but S3.
    path, hashed = quote(path or "/", safe="/~"), hashlib.sha256(body).hexdigest()
    signed = signature(derived, heading, method, path, query, headers, hashed)
    names = ";".join(sorted(headers))
    return f"{ALGORITHM} Credential={key.id}/{scope}, SignedHeaders={names}, Signature={signed}"


def sign(request: httpx.Request, key: AccessKey, date: datetime, *, service: str, region: str) -> None:
    """Sign `request`: its host, its date and, of a temporary key, the session token."""
    request.headers["X-Amz-Date"] = stamp(date, DATE_FORMAT)
    if key.security_token:
        request.headers["X-Amz-Security-Token"] = key.security_token
    also = ("host", "content-type") if request.content else ("host",)
    signed = signed_headers(request, lambda name: name in also or name.startswith("x-amz-"))
    target = destination(request).target
    request.headers["Authorization"] = authorization(
        key, request.method, target, signed, request.content, service=service, region=region
    )


class SignatureAuth(RenewingAuth["AccessKey"]):
    """Signs each request at the moment it is sent."""

    def __init__(
        self,
        source: CredentialSource[AccessKey],
        now: Callable[[], datetime],
        codes: Codes,
        *,
        service: str,
        region: str,
    ) -> None:
        super().__init__(source)
        self._now = now
        self._codes = codes
        self._service = service
        self._region = region

    def mark(self, request: httpx.Request, credential: AccessKey) -> None:
        sign(request, credential, self._now(), service=self._service, region=self._region)

    def refused(self, response: httpx.Response) -> bool:
        """The gateway looks at the key before it looks at the call. A wrong clock or signature no new key mends."""
        return response.is_client_error and self._codes.said(response).code.casefold().startswith(KEY_REFUSED)
