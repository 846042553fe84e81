"""Texts that try to be more than text, and plans and reports made of nothing else."""

from dataclasses import replace

from hypothesis import strategies as st

from reconciler.config.model import OnBlocked
from reconciler.diagnostics import Severity
from reconciler.planning.plan import Plan
from reconciler.planning.policy_plan import Note
from reconciler.planning.report import Outcome, Report, Result
from reconciler.tasks.observation import Fault, Meaning
from tests.reports.examples import EMPTY, EVERY_OUTCOME, EVIL, change, policy, scope, skipped

REFERENCES = (
    *("%milestone", '%"a b"', "~label", "!123", "$12", "&45", "#6", "@all", "group/project#7", "[vulnerability:8]"),
    *("/close", "\n/approve\n", "/label ~x", "[[wiki]]", "$`x`$", "$$x$$", "[^1]: note [^1]", ">>>\nx\n>>>", ":tada:"),
    *("- [x] done", "1. one", "# head", "---", "~~no~~", "**b**", "__u__", "| a | b |", "`` ` ``", "\tcode", "{+ x +}"),
    *("https://e.vil", "www.e.vil", "a@e.vil", "xmpp:a@e.vil", "mailto:a@e.vil", "<https://e.vil>", "ftp://e.vil"),
    *("341c92e6c18dc435ee31253685f9c0a1c18dc435", "[x](javascript:alert(1))", "![x](https://e.vil/x.png)", "[x]: y"),
    *("<!-- x", "<img src=x onerror=alert(1)>", "</summary></details>", "&#64;all", "&lt;b&gt;", "&amp;#64;"),
)
"""What GitHub and GitLab make links, mentions, references, commands or markup of."""

hostile = st.one_of(
    st.sampled_from(REFERENCES),
    st.sampled_from([EVIL, "</code></details>", "\u202e", "a\nb", "|", "`", "www.evil.com", "\x9b31m", "\u2028"]),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "P", "S", "L", "N"]), max_size=40),
    st.builds(
        "see https://h/{}?token={}".format, st.just("v.mp4"), st.from_regex(r"s3cret[a-z0-9&=%]*", fullmatch=True)
    ),
)


def plan_of(text: str) -> Plan:
    return replace(
        EMPTY,
        changes=(change(text, reason=text, observed={"status": text, text: text, "list": (text, text)}),),
        blocked=(replace(skipped(text, text), observed={"created_at": text}),),
        protected=(skipped(text, text, "legal-hold"),),
        scopes=(*EMPTY.scopes, scope(error=Fault(Meaning.PERMANENT, text, text, 400, text))),
        diagnostics=(Note(Severity.ERROR, text, text, text, text), Note(Severity.WARNING, text)),
        configuration=replace(EMPTY.configuration, files=(text,)),
        policies=(policy(blocked=1, on_blocked=OnBlocked.FAIL), policy("someday", suspended=True)),
    )


def report_of(text: str) -> Report:
    fault = Fault(Meaning.PERMANENT, text, text, 400, text)
    task = plan_of(text).changes[0]
    return replace(EVERY_OUTCOME, results=(Result.of(task, Outcome.FAILED, text, now=text, error=fault),), run_id=text)
