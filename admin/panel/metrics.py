"""What Prometheus reads, with a token of its own; docs/metrics.md says what each number means."""

import hmac
import time
from collections.abc import Iterable, Iterator, Mapping

from flask import Blueprint, Flask, Response, abort, current_app, g, request
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from .accounts import Accounts, public
from .backups import Backup
from .config import PanelConfig
from .context import config
from .engines import Engines, Overview, traffic
from .store.alerts import Message
from .store.database import Database

_STATES = ("applied", "pending", "failed")
blueprint = Blueprint("metrics", __name__)
# They would double the number of lines, and nobody asks when a counter began.
disable_created_metrics()  # type: ignore[no-untyped-call] # it has no types


def install(app: Flask, config: PanelConfig, database: Database, engines: Engines, accounts: Accounts) -> None:
    """Give app its numbers, and the view that shows them."""
    app.extensions["metrics"] = metrics = Metrics(database, engines, accounts)
    app.before_request(_begin)
    app.after_request(metrics.end)
    app.register_blueprint(blueprint, url_prefix=config.path)


@blueprint.get("/metrics")
@public
def show() -> Response:
    """Show all numbers to whoever has the token for them, which opens nothing else."""
    shown = request.headers.get("Authorization", "").encode()
    if not any(hmac.compare_digest(shown, f"Bearer {token}".encode()) for token in config().metrics_tokens):
        abort(401)
    metrics: Metrics = current_app.extensions["metrics"]
    # https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
    return Response(generate_latest(metrics.registry), content_type="text/plain; version=0.0.4; charset=utf-8")


class Metrics(Collector):
    """Reads each number from where it is known, when it is asked."""

    def __init__(self, database: Database, engines: Engines, accounts: Accounts) -> None:
        self._database = database
        self._engines = engines
        self._accounts = accounts
        self.registry = CollectorRegistry()
        self._request_seconds = Histogram(
            "stealth_request_seconds", "Time that requests took, by view.", ["view"], registry=self.registry,
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10))
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def describe(self) -> list[Metric]:
        """Name nothing beforehand: a registration would otherwise ask the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return all numbers as they are now."""
        overview = self._engines.overview()
        yield _gauge("stealth_users", "Users, by status.", ["status"], _labelled(overview.users))
        yield _gauge("stealth_users_online", "Users who are there.", [], [((), overview.online)])
        yield from _of_engines(overview)
        yield _gauge(
            "stealth_certificate_expiry_timestamp_seconds", "When a certificate of the site expires.", ["name"],
            [((one.name,), one.expires_at.timestamp()) for one in overview.certificates if one.expires_at is not None])
        yield from _of_hosts(overview)
        yield self._of_traffic(overview)
        yield _counter("stealth_logins", "Attempts to sign in since the panel's start.", ["result"],
                       _labelled(self._accounts.door.counts))
        yield from _of_backup(overview.backup)
        yield from self._of_store()

    def end(self, response: Response) -> Response:
        """Count a request that has been answered; by view, for a path may hold anything."""
        self._request_seconds.labels(request.endpoint or "none").observe(time.monotonic() - g.began_at)
        return response

    def _of_traffic(self, overview: Overview) -> Metric:
        samples = [((host, *labels), number) for host, counted in self._engines.traffic.items()
                   for labels, number in sorted(counted.items())]
        return _counter("stealth_traffic_bytes", "Traffic since the panel's start.",
                        *_by_host(overview, ["protocol", "direction"], samples))

    def _of_store(self) -> Iterator[Metric]:
        with self._database.read() as session:
            used = traffic.by_protocol(session)
            waiting = session.scalar(select(func.count(Message.id)).where(Message.next_at.is_not(None))) or 0
        yield _gauge("stealth_connections_open", "Open connections of users.", ["protocol"],
                     [((one.protocol,), one.open_connections) for one in used])
        yield _gauge("stealth_alerts_waiting", "Alerts that are not delivered yet.", [], [((), waiting)])


def _begin() -> None:
    g.began_at = time.monotonic()


def _of_engines(overview: Overview) -> Iterator[Metric]:
    engines = overview.engines
    yield _gauge("stealth_engine_state", "1 for the state that an engine is in.", *_by_host(
        overview, ["engine", "state"],
        [((one.host, one.kind, state), one.state == state) for one in engines for state in _STATES]))
    yield _gauge("stealth_engine_users", "Users that an engine was told.", *_by_host(
        overview, ["engine"], [((one.host, one.kind), one.users) for one in engines]))
    yield _gauge("stealth_engine_lag_seconds", "Since when an engine lacks changes of users; 0 if it lacks none.",
                 *_by_host(overview, ["engine"], [((one.host, one.kind), one.lag_seconds) for one in engines]))


def _of_hosts(overview: Overview) -> Iterator[Metric]:
    if overview.is_fleet:
        yield _gauge("stealth_host_healthy", "1 for a host of which an engine has answered lately.", ["host"],
                     [((one.name,), one.is_healthy) for one in overview.hosts])
        yield _gauge("stealth_host_drained", "1 for a host that users are not told of any more.", ["host"],
                     [((one.name,), one.drained) for one in overview.hosts])


def _of_backup(backup: Backup | None) -> Iterator[Metric]:
    made = backup if backup is not None and backup.made_at is not None else None
    yield _gauge("stealth_last_backup_timestamp_seconds", "When the last good backup was made.", [],
                 [((), made.made_at.timestamp())] if made and made.made_at else [])
    yield _gauge("stealth_last_backup_bytes", "Size of the last good backup.", [],
                 [((), made.size_bytes)] if made else [])


_Samples = Iterable[tuple[tuple[str, ...], float]]


def _by_host(overview: Overview, labels: list[str], samples: _Samples) -> tuple[list[str], _Samples]:
    """Return labels and samples, of which the first value is the host, as they are shown: without it for one server."""
    if overview.is_fleet:
        return ["host", *labels], samples
    return labels, [(values[1:], number) for values, number in samples]


def _labelled(numbers: Mapping[str, int]) -> _Samples:
    return [((label,), number) for label, number in sorted(numbers.items())]


def _gauge(name: str, meaning: str, labels: list[str], samples: _Samples) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _counter(name: str, meaning: str, labels: list[str], samples: _Samples) -> Metric:
    family = CounterMetricFamily(name, meaning, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family
