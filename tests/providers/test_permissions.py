"""The vendors' policy documents, as their pages define them."""

import re
from types import MappingProxyType

import pytest

from reconciler.config.model import Credentials, Secret, Target
from reconciler.providers.aliyun import PROVIDER as ALIYUN
from reconciler.providers.aws import PROVIDER as AWS
from reconciler.providers.base import Granting
from reconciler.providers.huaweicloud import PROVIDER as HUAWEICLOUD
from reconciler.providers.registry import catalogue, providers
from reconciler.tasks.resource_type import ResourceType

TYPES = catalogue().resource_types


def test_every_installed_provider_has_a_policy_language() -> None:
    assert all(isinstance(provider, Granting) for provider in providers().values())


def test_huaweicloud_writes_identity_policies() -> None:
    """Version 5.0: actions of MPC exist in no other kind of document."""
    document = HUAWEICLOUD.policy_language.document(["mpc:remuxTsk:delete", "mpc:remuxTsk:view"])
    assert document == {
        "Version": "5.0",
        "Statement": [{"Effect": "Allow", "Action": ["mpc:remuxTsk:delete", "mpc:remuxTsk:view"]}],
    }


def test_aliyun_writes_ram_policies() -> None:
    """The calls know no resource-level authorization, so that the resource must be `*`."""
    document = ALIYUN.policy_language.document(["vod:GetURLUploadInfos"])
    assert document == {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "Action": ["vod:GetURLUploadInfos"], "Resource": "*"}],
    }


def test_aws_writes_iam_policies() -> None:
    document = AWS.policy_language.document(["mediaconvert:CancelJob", "mediaconvert:ListJobs"])
    assert document == {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["mediaconvert:CancelJob", "mediaconvert:ListJobs"], "Resource": "*"}
        ],
    }


@pytest.mark.parametrize(("project", "actions"), [("", ["iam:projects:list"]), ("0123", [])])
def test_the_project_is_looked_up_where_the_target_does_not_name_it(project: str, actions: list[str]) -> None:
    target = Target("t", "huaweicloud", "cn-north-4", MappingProxyType({"project_id": project} if project else {}))
    assert [call.action for call in HUAWEICLOUD.policy_language.account_calls(target)] == actions


def test_aliyun_says_what_a_role_needs_where_credentials_may_be_those_of_one() -> None:
    language = ALIYUN.policy_language
    keys = Credentials(secrets=MappingProxyType({"access_key_id": Secret(env="A"), "secret_access_key": Secret("B")}))
    for credentials, named in ((Credentials(), True), (Credentials(profile="media"), True), (keys, False)):
        target = Target("t", "aliyun", "cn-shanghai", credentials=credentials)
        assert ("sts:AssumeRole" in " ".join(language.notes(target, {"vod"}))) is named
    assert language.account_calls(target) == ()


def test_the_older_model_is_mentioned_where_it_lacks_the_actions() -> None:
    target = Target("t", "huaweicloud", "cn-north-4")
    with_mpc, without = (" ".join(HUAWEICLOUD.policy_language.notes(target, {name})) for name in ("mpc", "vod"))
    assert "MPC Administrator" in with_mpc
    assert "MPC" not in without


@pytest.mark.parametrize("row", TYPES.values(), ids=TYPES.keys())
def test_names_have_the_vendors_form_and_what_lacks_one_has_a_way_out(row: ResourceType) -> None:
    forms = {"huaweicloud": r"(mpc|vod):[A-Za-z]+:[A-Za-z]+", "aws": r"mediaconvert:[A-Z][A-Za-z]+"}
    form = forms.get(row.provider, r"(vod|mts):[A-Z][A-Za-z]+")
    names = (row.permissions.list, row.permissions.read, row.permissions.cancel, row.permissions.delete)
    assert all(re.fullmatch(form, name) for name in names if name)
    provider = providers()[row.provider]
    assert isinstance(provider, Granting)
    assert provider.policy_language.instead(row).endswith(".")
