"""Spans for OpenTelemetry, where the standard variables ask for them: of each run, scope and call.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from __future__ import annotations

import logging
import os
import re
from concurrent.futures import wait
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler import __version__
from reconciler.cli.logs import say
from reconciler.engine.interruption import Threads
from reconciler.exceptions import bug
from reconciler.providers.transport.trace import spanned, spanning
from reconciler.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

EXPORTER: Final = "OTEL_TRACES_EXPORTER"
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

FLUSH: Final = 2.0
"""Seconds that the end of a command waits for its spans to be sent."""

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z._-]*|v[0-9]+(?:\.[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}|")
"""A part of a path that is no value: a word, or a version."""

_LOG: Final = logging.getLogger("reconciler.spans")


@contextmanager
def exporting() -> Iterator[None]:
    """Within this context, spans go where the variables say, if they do. Waits for that at the end, but not long."""
    asking = _asking(os.environ)
    if not asking:
        yield
        return
    try:
        provider = _provider()
    except Exception as error:  # noqa: BLE001 - what is done does not depend on who watches
        missing = "OpenTelemetry is not installed: pip install 'media-reconciler[otel]'"
        why = missing if isinstance(error, ImportError) else f"its variables cannot be used: {bug(error)}"
        say(f"Warning: {asking} asks for traces, but {why}")
        yield
        return
    command = _command()
    try:
        # What goes on for ever has a span for each of its cycles instead.
        whole = nullcontext() if command == "run" else spanned(f"reconciler {command}")
        with spanning(_Spans(provider)), whole:
            yield
    finally:
        # In a thread of its own, which nobody waits for any longer: no server that is silent must hold up the end.
        late = wait({Threads().submit(provider.shutdown)}, FLUSH).not_done
        _hear(logging.NullHandler())
        if late:
            _LOG.warning("traces: not all were sent in time")


def _asking(environment: Mapping[str, str]) -> str:
    """The variable that asks for spans; empty where none does."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ""
    exporter = environment.get(EXPORTER, "").strip().lower()
    if exporter == "none":
        return ""
    if exporter not in {"", "otlp"}:
        say(f"Warning: {EXPORTER}: spans are sent by otlp or none, not by {presentable(exporter)}")
        return ""
    if any(environment.get(name, "").strip() not in {"", "http/protobuf"} for name in PROTOCOLS):
        say(f"Warning: {PROTOCOLS[1]}: spans are sent by http/protobuf")
        return ""
    return next((name for name in (*ENDPOINTS, EXPORTER) if environment.get(name, "").strip()), "")


def _command() -> str:
    context = click.get_current_context(silent=True)
    return (context.info_name if context else None) or "command"


def _provider() -> Any:  # noqa: ANN401 - of an extra, which need not be there
    """Raises ImportError where OpenTelemetry is not installed."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - see above
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above

    _hear(_Once())
    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    about = {"service.version": __version__} | ({} if named else {"service.name": "reconciler"})
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class _Once(logging.Handler):
    """Says once that spans are lost, and why, without what else the library has to say about it."""

    told = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.told and record.levelno >= logging.WARNING:
            self.told = True
            _LOG.warning("traces: %s", presentable(record.getMessage()))


def _hear(handler: logging.Handler) -> None:
    """Let `handler` have what the library says: without any, Python would write it to stderr."""
    logging.getLogger("opentelemetry").propagate = logging.getLogger("urllib3").propagate = False
    logging.getLogger("opentelemetry").handlers[:] = [handler]
    logging.getLogger("urllib3").handlers[:] = [logging.NullHandler()]


class _Spans:
    """Implements `reconciler.providers.transport.trace.Spans`. No name of a span and no attribute holds a value."""

    def __init__(self, provider: Any) -> None:  # noqa: ANN401 - as above
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 - of an extra

        self._tracer = provider.get_tracer("reconciler", __version__)
        self._client, self._error = SpanKind.CLIENT, StatusCode.ERROR

    @contextmanager
    def _span(self, name: str, attributes: Mapping[str, object], **more: object) -> Iterator[Any]:
        # What an exception says may hold a value: that there was one is enough.
        quiet = {"record_exception": False, "set_status_on_exception": False}
        with self._tracer.start_as_current_span(name, attributes=attributes, **quiet, **more) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(self._error)
                raise

    def named(self, name: str) -> AbstractContextManager[object]:
        return self._span(name, {})

    def about(self, facts: Mapping[str, str]) -> AbstractContextManager[object]:
        if "run" in facts:
            return self._span("changes", {"reconciler.run_id": facts["run"]})
        if "resource" in facts:
            attributes = {"reconciler.target": facts.get("target", ""), "reconciler.resource": facts["resource"]}
            return self._span(f"scope {facts['resource']}", attributes)
        return nullcontext()

    @contextmanager
    def call(self, asked: Mapping[str, Any]) -> Iterator[Callable[[int, int], None]]:
        path = "/".join(part if _PLAIN.fullmatch(part) else "{}" for part in asked["path"].split("/"))
        attributes = {
            "http.request.method": asked["method"],
            "url.scheme": asked["scheme"],
            "url.path": path,
            "server.address": asked["host"],
            "server.port": asked["port"],
        }
        if asked["call"]:
            attributes["rpc.method"] = asked["call"]
        if (asked["attempt"] or 1) > 1:
            attributes["http.request.resend_count"] = asked["attempt"] - 1
        name = asked["method"] if not asked["call"] else f"{asked['method']} {asked['call']}"
        with self._span(name, attributes, kind=self._client) as span:

            def answered(status: int, size: int) -> None:
                span.set_attribute("http.response.status_code", status)
                span.set_attribute("http.response.body.size", size)
                if status >= 400:
                    span.set_attribute("error.type", str(status))
                    span.set_status(self._error)

            yield answered
