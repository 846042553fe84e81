"""Who may call the simulator, and for which projects."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HuaweicloudAccount:
    """An access key of Huawei Cloud. `projects` maps a region's name to the id of the project in it.

    An account with a `security_token` holds temporary keys: every request must carry the token. `iam_user`,
    `iam_password` and `iam_domain` are what `POST /v3/auth/tokens` accepts.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    projects: Mapping[str, str] = field(default_factory=dict)
    iam_user: str = ""
    iam_password: str = field(default="", repr=False)
    iam_domain: str = ""

    def owners(self) -> tuple[str, ...]:
        """Whose tasks this key reaches: its projects."""
        return tuple(self.projects.values())


@dataclass(frozen=True, slots=True)
class AliyunAccount:
    """An access key of Alibaba Cloud. Keys with the same `account_id` (RAM users) share tasks and quotas."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    account_id: str = ""

    @property
    def owner(self) -> str:
        """Whose tasks this key reaches: the main account."""
        return self.account_id or self.access_key_id

    def owners(self) -> tuple[str, ...]:
        """As `owner`, in the form that both vendors share."""
        return (self.owner,)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Every key that the simulator knows."""

    huaweicloud: tuple[HuaweicloudAccount, ...] = ()
    aliyun: tuple[AliyunAccount, ...] = ()


DEFAULT_ACCOUNTS = Accounts(
    huaweicloud=(
        HuaweicloudAccount(
            access_key_id="SIMULATORHUAWEICLOUD",
            secret_access_key="simulator-secret-of-huaweicloud",  # noqa: S106 - opens nothing but the simulator
            projects={"cn-north-4": "0123456789abcdef0123456789abcdef"},
            iam_user="simulator",
            iam_password="simulator-password",  # noqa: S106 - likewise
            iam_domain="simulator-domain",
        ),
    ),
    aliyun=(
        AliyunAccount(
            access_key_id="SIMULATORALIYUN",
            secret_access_key="simulator-secret-of-aliyun",  # noqa: S106 - likewise
        ),
    ),
)
