from urllib.parse import urlencode

from reconciler.provider import (
    AccessKey,
    Action,
    Codes,
    Field,
    FieldType,
    HttpProvider,
    Listing,
    Meaning,
    Operation,
    Paging,
    ProviderOptions,
    Quota,
    RenewingAuth,
    ResolvedCredentials,
    ResourceType,
    RowClient,
    Said,
    Secrets,
    Status,
    service_url,
)

JOB = ResourceType(
    name="mine.media.job",
    summary="Job: a file to be converted.",
    fields={
        field.name: field
        for field in (
            Field("id", FieldType.STRING, "Job id", ("id",)),
            Field("status", FieldType.STATUS, "Normalised status"),
            Field("provider_status", FieldType.STRING, "Status as the service spells it", ("state",)),
            Field("created_at", FieldType.TIMESTAMP, "When the job was created", ("created",)),
        )
    },
    statuses={
        "QUEUED": Status.PENDING,
        "BUSY": Status.RUNNING,
        "DONE": Status.SUCCEEDED,
        "STOPPED": Status.CANCELED,
    },
    listing=Listing("/jobs", "jobs", Paging.PAGE, ids_parameter="ids"),
    operations=(Operation(Action.CANCEL, "/jobs/{id}", "", frozenset({Status.PENDING}), Status.CANCELED),),
)
CODES = Codes(  # this service has no codes beside the HTTP status; what 401, 429 and 5xx mean is known
    {Meaning.PERMISSION: ("403",), Meaning.CHANGED: ("409",)},
    {},
    lambda response: Said(str(response.status_code), response.text, request_id="", documented=True),
    clock="401",
)


class Bearer(RenewingAuth[AccessKey]):
    def mark(self, request, credential):
        request.headers["Authorization"] = f"Bearer {credential.secret}"

    def refused(self, response):
        return response.status_code == 401


class MyClient(RowClient[ResolvedCredentials[AccessKey]]):
    quotas = {"media": Quota(100, 1.0)}
    codes = CODES

    def __init__(self, target, *, concurrency, surroundings):
        token = Secrets(target, surroundings.environment).read("token")
        resolved = ResolvedCredentials(AccessKey("", token), f"targets.{target.name}.credentials")
        self.url = service_url(target.endpoints["media"], surroundings.environment)
        super().__init__(target, resolved, [self.url], concurrency=concurrency, surroundings=surroundings)

    def auth(self):
        return Bearer(self.standing(self.resolved.credentials))

    async def call(self, service, method, path, parameters, judge, **how):
        url = f"{self.url}{path}?{urlencode(parameters)}" if parameters else f"{self.url}{path}"
        group = f"{self.url} {self.resolved.owner(self.target)}"
        return await self.send(method, url, {}, judge, service=service, group=group, **how)


class Mine(HttpProvider[MyClient]):
    name = "mine"
    api_version = 1
    options = ProviderOptions(
        name="mine",
        properties={"region": {"type": "string", "description": "Region.", "examples": ["here-1"]}},
        required=("region",),
        services=("media",),
        credentials={"token": "the token of an account"},
    )
    resource_types = {JOB.name: JOB}
    new_client = MyClient


PROVIDER = Mine()
