"""AWS: Elemental MediaConvert. What its targets may say, its kind of tasks, and how it writes down permissions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.provider import ACCESS_KEY_KEYS, HttpProvider, ProviderOptions
from reconciler.providers.aws.mediaconvert import JOB, QUOTAS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reconciler.provider import AccountCall, PolicyLanguage, ResourceType, Surroundings, Target
    from reconciler.providers.aws.client import AwsClient

VERSION = "2012-10-17"
"""Of a policy document."""


class IamPolicies:
    """Policies of AWS Identity and Access Management.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselementalmediaconvert.html
    """

    kind = "IAM policy"
    documentation = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html"

    def account_calls(self, target: Target) -> tuple[AccountCall, ...]:
        """None that needs a right: STS tells everybody who they are."""
        del target
        return ()

    def document(self, actions: Sequence[str]) -> Mapping[str, object]:
        """On all resources: the account, which an ARN of jobs would name, is nowhere in a configuration."""
        return {"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}

    def instead(self, row: ResourceType) -> str:
        return f"Look for the action among those of {row.service} in the policy editor of the IAM console."

    def notes(self, target: Target, services: Collection[str]) -> tuple[str, ...]:
        """How to attach it, and how to narrow it."""
        del services
        attach = (
            "Create it as a customer managed policy in the IAM console, and attach it to the role or user whose "
            "credentials are used."
        )
        return attach, f"Where the account is known, narrow `Resource` to its mediaconvert ARNs in {target.region}."


class Aws(HttpProvider["AwsClient"]):
    """The cloud as a provider."""

    name = "aws"
    options = ProviderOptions(
        name="aws",
        properties=MappingProxyType(
            {
                "region": {
                    "type": "string",
                    "pattern": "^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$",
                    "patternErrorMessage": "must be the id of a region, such as eu-west-1",
                    "description": "Region of the service, such as eu-west-1.",
                    "examples": ["eu-west-1", "us-east-1", "${AWS_REGION}"],
                },
            }
        ),
        required=("region",),
        quotas=MappingProxyType(QUOTAS),
        # Those of the service's own model.
        known_regions=(
            *("af-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1"),
            *("ap-southeast-2", "ap-southeast-4", "ap-southeast-5", "ca-central-1", "cn-northwest-1", "eu-central-1"),
            *(
                "eu-north-1",
                "eu-west-1",
                "eu-west-2",
                "eu-west-3",
                "me-central-1",
                "sa-east-1",
                "us-east-1",
                "us-east-2",
            ),
            *("us-gov-west-1", "us-west-1", "us-west-2"),
        ),
        services=("mediaconvert", "sts"),
        credentials=ACCESS_KEY_KEYS,
        title="AWS",
        target="aws-prod",
    )
    resource_types: Mapping[str, ResourceType] = MappingProxyType({JOB.name: JOB})
    policy_language: PolicyLanguage = IamPolicies()

    def new_client(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> AwsClient:
        from reconciler.providers.aws.client import AwsClient  # noqa: PLC0415 - a catalogue needs none

        return AwsClient(target, concurrency=concurrency, surroundings=surroundings)


PROVIDER = Aws()
