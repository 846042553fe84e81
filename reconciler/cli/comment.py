"""`reconciler comment FILE...`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.logs import start_logging, tracing
from reconciler.cli.options import argument, flag, format_option, log_options
from reconciler.cli.places import write
from reconciler.cli.saved_file import saved_plan_or_report
from reconciler.engine.authorship import Place, recognised
from reconciler.exceptions import ExitCode, InvalidPlan, UsageError
from reconciler.redaction import presentable
from reconciler.review.decision import CLOCKS_APART, approved
from reconciler.review.draft import Draft, Origin
from reconciler.review.failures import Patience
from reconciler.review.job import Job, job_of, origin_of, token_of
from reconciler.review.publishing import Published, intended, publish
from reconciler.review.request import found_request
from reconciler.review.wording import cautions, digest_document, document, sentence
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from reconciler.review.decision import Approved
    from reconciler.review.request import Request

_NO_TOKEN = {
    Place.GITHUB: ("set GITHUB_TOKEN or GH_TOKEN", ""),
    Place.GITLAB: (
        "set GITLAB_TOKEN to a project or personal access token with the scope `api`",
        "the CI_JOB_TOKEN of a job cannot write comments",
    ),
}


@click.command("comment")
@argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@flag("--platform", type=click.Choice([place.value for place in Place]), help="Default: the one whose job this is.")
@flag("--repository", metavar="NAME", help="OWNER/NAME on GitHub; on GitLab the project's path or number.")
@flag("--number", type=click.IntRange(min=1), metavar="N", help="Number of the pull or merge request.")
@flag("--api", metavar="URL", help="Address of the REST API, with https.")
@flag("--author", metavar="LOGIN", help="Who we are, where the token cannot tell: that of an app ends with [bot].")
@flag("--merging-applies", is_flag=True, help="Say that merging the request applies the plan, as your workflows do.")
@flag("--dry-run", is_flag=True, help="Write no comment; print what it would say.")
@flag(
    "--print-digest",
    is_flag=True,
    help="Write no comment; print the digest of the plan that it shows and until when it is good.",
)
@format_option("text", "json")
@log_options
def command(
    files: tuple[Path, ...],
    platform: str | None,
    repository: str | None,
    number: int | None,
    api: str | None,
    author: str | None,
    merging_applies: bool,
    dry_run: bool,
    print_digest: bool,
    output_format: str,
    verbose: int,
    log_format: str,
    trace: Path | None,
) -> int:
    """Create or update the one comment of a pull or merge request, from a saved plan or report, or those of all shards.

    Plans and reports of the same targets share one comment, found by its hidden first line among those that we wrote.
    An older run never overwrites a later one. A plan without changes creates no comment, but updates one that is
    there. Which request it is follows from the environment of GitHub Actions or GitLab CI, for a merge commit too.

    The token comes from the environment: GITHUB_TOKEN or GH_TOKEN, GITLAB_TOKEN. Without one, --dry-run asks nobody.
    """
    start_logging(log_format, verbosity=verbose, trace=trace)
    item = saved_plan_or_report(*files)
    names = [file.name for file in files]
    place = Place(platform) if platform else recognised(os.environ)
    token = token_of(place, os.environ) if place else None
    if dry_run and not print_digest and token is None:
        origin = origin_of(place, os.environ) if place else Origin()
        draft = Draft.of(item, origin, names, merging_applies=merging_applies)
        with tracing():
            _Teller(output_format).tell(None, "Nothing was read: there is no token to ask with.", draft, dry_run=True)
        return ExitCode.OK
    if place is None:
        hint = "pass --platform" + ("" if print_digest else ", or --dry-run")
        raise UsageError("this is neither a job of GitHub Actions nor of GitLab CI", hint)
    if token is None:
        remedy, hint = _NO_TOKEN[place]
        raise UsageError(f"there is no token to comment with: {remedy}", hint)
    job = job_of(place, os.environ, api=api, repository=repository, number=number)
    draft, patience = Draft.of(item, job.origin, names, merging_applies=merging_applies), Patience()
    now = patience.now().timestamp()
    if draft.marker.valid_at > now + CLOCKS_APART:
        made = f"{presentable(str(files[0]))} is of {format_timestamp(draft.marker.valid_at)}"
        raise InvalidPlan(f"{made}, a time that has not come", "plan again, without --now")
    teller = _Teller(output_format, token, job)
    with tracing(), found_request(job, token, patience) as request:
        me = author or request.platform.myself()
        if print_digest:
            comments = request.platform.comments(request.number)
            approval = approved(comments, draft.marker.key, {me.casefold()}, now)
            teller.tell_digest(approval, request)
        elif dry_run:
            published = intended(request.platform.comments(request.number), draft, me, patience)
            teller.tell(published, sentence(published, request.name, would=True), draft, request, dry_run=True)
        else:
            published = publish(request.platform, request.number, draft, me, patience)
            teller.tell(published, sentence(published, request.name), draft, request)
    return ExitCode.OK


class _Teller:
    """Says what was done. Whatever the platform answered, the token is in none of it."""

    def __init__(self, output_format: str, token: str = "", job: Job | None = None) -> None:
        self._json = output_format == "json"
        self._token = token
        self._job = job

    def tell(
        self,
        published: Published | None,
        said: str,
        draft: Draft,
        request: Request | None = None,
        *,
        dry_run: bool = False,
    ) -> None:
        """On stdout what was done or, on a dry run, the text of the comment; the rest on stderr."""
        for caution in cautions(published) if published else ():
            sys.stderr.write(self._masked(f"Warning: {caution}\n"))
        if self._json:
            number = request.number if request else None
            write(self._masked(document(published, draft, self._job, number, dry_run=dry_run)), "json")
        elif dry_run:
            sys.stderr.write(self._masked(f"{said}\n"))
            write(self._masked(draft.body), "markdown")
        else:
            write(self._masked(f"{said}\n"))

    def tell_digest(self, approval: Approved, request: Request) -> None:
        if self._json:
            write(digest_document(approval, self._job, request.number), "json")
        else:
            write(f"{approval.digest} {format_timestamp(approval.until)}\n")

    def _masked(self, text: str) -> str:
        return text.replace(self._token, "***") if self._token else text
