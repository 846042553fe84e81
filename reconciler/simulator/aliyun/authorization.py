"""Who is calling: the checks that the RPC gateway makes before an operation is reached."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from reconciler.simulator.accounts import AliyunAccount
from reconciler.simulator.aliyun import signature
from reconciler.simulator.aliyun.errors import refusal
from reconciler.simulator.wire import WireRequest

MAXIMUM_SKEW = timedelta(minutes=15)


class Authorization:
    """Checks requests against the accounts and remembers the nonces seen."""

    def __init__(self, accounts: Iterable[AliyunAccount]) -> None:
        self._accounts = {account.access_key_id: account for account in accounts}
        self._nonces: set[tuple[str, str]] = set()

    def grant(self, request: WireRequest) -> tuple[AliyunAccount, signature.Signed]:
        """Who is calling and what the signed request says; raises Refusal."""
        try:
            signed = signature.read(request)
        except signature.Incomplete as missing:
            raise refusal("IncompleteSignature", str(missing)) from missing
        if signed.at is None:
            raise refusal("InvalidTimeStamp.Format")
        if abs(datetime.now(UTC) - signed.at) > MAXIMUM_SKEW:
            raise refusal("InvalidTimeStamp.Expired")
        account = self._accounts.get(signed.access_key_id)
        if account is None:
            raise refusal("InvalidAccessKeyId.NotFound")
        if account.security_token and not signed.security_token:
            raise refusal("MissingSecurityToken")
        if signed.security_token != account.security_token:
            raise refusal("InvalidSecurityToken.Malformed")
        if not signature.holds(request, signed, account.secret_access_key):
            raise refusal("SignatureDoesNotMatch")
        nonce = (account.access_key_id, signed.nonce)
        if nonce in self._nonces:
            raise refusal("SignatureNonceUsed")
        self._nonces.add(nonce)
        return account, signed
