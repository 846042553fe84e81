"""ACS3-HMAC-SHA256, the signature (V3) of Alibaba Cloud's RPC APIs.

https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from datetime import datetime

    from reconciler.providers.access_key import AccessKey

__all__ = ["SignatureAuth", "authorization", "canonical_query"]

ALGORITHM = "ACS3-HMAC-SHA256"
DATE_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def canonical_query(parameters: Mapping[str, str]) -> str:
    """The query as it is signed *and* sent: sorted by name, `%20` for a blank, only `~` beyond letters kept."""
    return "&".join(f"{quote(name, safe='~')}={quote(parameters[name], safe='~')}" for name in sorted(parameters))


def authorization(key: AccessKey, method: str, target: str, headers: Mapping[str, str]) -> str:
    """The Authorization header of a request.

    `target` is the path and query as sent; `headers` are those to be signed, names in lower case, among them
    `x-acs-content-sha256`.
    """
    path, _, query = target.partition("?")
    names = sorted(headers)
    canonical = "\n".join(
        (
            method,
            path or "/",
            canonical_query(dict(parse_qsl(query, keep_blank_values=True))),
            "".join(f"{name}:{headers[name].strip()}\n" for name in names),
            ";".join(names),
            headers["x-acs-content-sha256"],
        )
    )
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={key.id},SignedHeaders={';'.join(names)},Signature={signature}"


class SignatureAuth(httpx.Auth):
    """Signs each request at the moment it is sent, each time with a new nonce: the gateway refuses one seen before."""

    requires_request_body = True

    def __init__(self, key: AccessKey, now: Callable[[], datetime], nonce: Callable[[], str]) -> None:
        self._key = key
        self._now = now
        self._nonce = nonce

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["x-acs-date"] = self._now().strftime(DATE_FORMAT)
        request.headers["x-acs-signature-nonce"] = self._nonce()
        request.headers["x-acs-content-sha256"] = hashlib.sha256(request.content).hexdigest()
        if self._key.security_token:
            request.headers["x-acs-security-token"] = self._key.security_token
        # Host and every x-acs header must be signed; a body, and with it a content type, is never sent.
        signed = {name: text for name, text in request.headers.items() if name == "host" or name.startswith("x-acs-")}
        target = request.url.raw_path.decode("ascii")
        request.headers["Authorization"] = authorization(self._key, request.method, target, signed)
        yield request
