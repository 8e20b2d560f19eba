"""Users that come, go, are shut out and let in again, on all protocols and beside running downloads."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from panel.protocols import ENGINES
from tests.e2e.client import Clients, Transfer, Try, all_clients, each
from tests.e2e.deployment import SERVICES, Server, docker, inspect, stopped
from tests.e2e.outside import PAGE, Outside
from tests.e2e.panel_api import PanelApi, panel_api
from tests.e2e.programs import PROTOCOLS
from tests.e2e.test_protocols import fetch_each
from tests.e2e.test_sessions import RATE, Downloads

pytestmark = pytest.mark.integration

PROMISED_SECONDS = 2
"""Within which a change of a user holds on every protocol."""

COUNTED_BYTES = 5_000_000

_WATCHED_SECONDS = 8
# The panel reads the counters each ten seconds; a quota must be enforced within a minute.
_COUNTED_EACH_SECONDS, _ENFORCED_SECONDS = 11, 60


@pytest.fixture
def api(deployed: Server) -> Iterator[PanelApi]:
    with panel_api(deployed) as made:
        yield made


def starts() -> dict[str, tuple[str, int]]:
    """Return when each service last started, and how often the engine had to start it again."""
    found = {name: inspect(name) for name in SERVICES}
    return {name: (entry["State"]["StartedAt"], entry["RestartCount"]) for name, entry in found.items()}


@pytest.mark.parametrize(("comers", "seconds"), [(25, 20), pytest.param(100, 60, marks=pytest.mark.long)])
def test_many_users_come_and_go_and_no_download_breaks(
    deployed: Server, api: PanelApi, origin: str, beyond: Outside, comers: int, seconds: int,
) -> None:
    before = starts()
    with all_clients(deployed) as clients:
        fetch_each(clients, beyond.url)
        assert set(clients) == set(PROTOCOLS)
        running = Downloads(clients, origin, seconds=seconds)
        began = time.monotonic()
        for number in range(comers):
            made, _ = api.add(f"guest{number}")
            api.when_applied()
            api.call("DELETE", f"/users/{made}")
        api.when_applied()
        print(f"\n{comers} users came and went in {time.monotonic() - began:.1f} s")
        assert running.are_on()
        assert running.faults() == {}
    assert starts() == before


def test_a_new_user_is_known_to_every_engine_at_once_and_works_on_all_protocols(
    deployed: Server, api: PanelApi, beyond: Outside,
) -> None:
    began = time.time()
    made, url = api.add("newcomer")
    applied = api.when_applied() - began
    print(f"\nall engines had the new user after {applied:.2f} s")
    assert applied < PROMISED_SECONDS
    with all_clients(deployed, links=deployed.links(url)) as clients:
        assert {name for name, page in fetch_each(clients, beyond.url).items() if page != PAGE} == set()
    api.call("DELETE", f"/users/{made}")


def watched(clients: Clients, url: str) -> dict[str, Future[list[Try]]]:
    """Begin to ask for a page again and again through each client."""
    pool = ThreadPoolExecutor(max_workers=len(clients))
    return {name: pool.submit(made.watch, url, _WATCHED_SECONDS) for name, made in clients.items()}


def test_a_user_who_is_let_in_is_served_and_one_who_is_shut_out_is_refused_within_two_seconds(
    deployed: Server, api: PanelApi, beyond: Outside,
) -> None:
    made, url = api.add("let-in-and-out")
    links = deployed.links(url)
    api.call("POST", f"/users/{made}/disable")
    api.when_applied()
    with all_clients(deployed, links=links) as clients:
        time.sleep(3)  # programs start
        letting_in = watched(clients, beyond.url)
        time.sleep(2)
        enabled = time.time()
        api.call("POST", f"/users/{made}/enable")
        came = {name: tries.result() for name, tries in letting_in.items()}
        shutting_out = watched(clients, beyond.url)
        time.sleep(2)
        disabled = time.time()
        api.call("POST", f"/users/{made}/disable")
        went = {name: tries.result() for name, tries in shutting_out.items()}
    api.call("DELETE", f"/users/{made}")
    too_early = {name for name, tries in came.items() if any(not one.fault for one in tries if one.ended < enabled)}
    assert too_early == set()
    let_in = {name: min((one.ended for one in tries if not one.fault), default=float("inf")) - enabled
              for name, tries in came.items()}
    shut_out = {name: max((one.began for one in tries if not one.fault), default=0) - disabled
                for name, tries in went.items()}
    print("\n" + "\n".join(f"{name}: served after {let_in[name]:.2f} s, last served {shut_out[name]:.2f} s after the "
                           "end" for name in PROTOCOLS))
    assert {name for name, tries in went.items() if any(one.fault for one in tries if one.ended < disabled)} == set()
    assert {name: seconds for name, seconds in let_in.items() if seconds > PROMISED_SECONDS} == {}
    assert {name: seconds for name, seconds in shut_out.items() if seconds > PROMISED_SECONDS} == {}


def test_downloads_of_a_user_who_is_shut_out_end_within_two_seconds(
    deployed: Server, api: PanelApi, origin: str, beyond: Outside,
) -> None:
    made, url = api.add("cut-off")
    with all_clients(deployed, links=deployed.links(url)) as clients, \
            ThreadPoolExecutor(max_workers=len(clients)) as pool:
        fetch_each(clients, beyond.url)
        running: dict[str, Future[Transfer]] = {
            name: pool.submit(one.transfer_until_cut, f"{origin}/{60 * RATE}?rate={RATE}", "-stall", "5s")
            for name, one in clients.items()}
        time.sleep(4)
        disabled = time.time()
        api.call("POST", f"/users/{made}/disable")
        ended = {name: transfer.result() for name, transfer in running.items()}
    api.call("DELETE", f"/users/{made}")
    after = {name: transfer.last_byte - disabled for name, transfer in ended.items()}
    print("\n" + "\n".join(f"{name}: last byte after {seconds:.2f} s" for name, seconds in after.items()))
    assert all(transfer.fault and transfer.bytes for transfer in ended.values())
    # None had ended before.
    assert {name: seconds for name, seconds in after.items() if not -1 < seconds < PROMISED_SECONDS} == {}


def test_engines_that_restart_while_the_panel_is_away_know_their_users(
    deployed: Server, api: PanelApi, beyond: Outside,
) -> None:
    made, url = api.add("survivor")
    api.when_applied()
    links = deployed.links(url)
    with stopped("admin"):
        docker("restart", *(f"stealth-{name}" for name in ENGINES))
        with all_clients(deployed, links=links) as clients:
            assert {name for name, page in fetch_each(clients, beyond.url).items() if page != PAGE} == set()
    with panel_api(deployed) as again:
        again.when_applied()
        again.call("DELETE", f"/users/{made}")


def test_traffic_is_counted_by_user_and_protocol_and_a_quota_ends_it(
    deployed: Server, api: PanelApi, origin: str, beyond: Outside,
) -> None:
    made, url = api.add("counted")
    with all_clients(deployed, links=deployed.links(url)) as clients:
        fetch_each(clients, beyond.url)
        # Paced, for what a WireGuard client loses is sent again, and counts.
        downloaded = each(clients, lambda one: one.transfer(f"{origin}/{COUNTED_BYTES}?rate={5 * RATE}").bytes)
        time.sleep(_COUNTED_EACH_SECONDS)
        api.call("PATCH", f"/users/{made}", {"quota_bytes": COUNTED_BYTES})
        counted = {entry["protocol"]: entry["down_bytes"] for entry in api.call("GET", f"/users/{made}/usage")}
        end = time.monotonic() + _ENFORCED_SECONDS
        while api.call("GET", f"/users/{made}")["status"] != "limited" and time.monotonic() < end:
            time.sleep(0.5)
        api.when_applied()
        # A refused client of Trojan meets the cover site, which answers.
        answers = each(clients, lambda one: one.fetch(beyond.url, "--max-time", "2").stdout)
    api.call("DELETE", f"/users/{made}")
    shares = {name: counted.get(name, 0) / size for name, size in downloaded.items()}
    print("\n" + "\n".join(f"{name}: counted {share:.3f} of what came" for name, share in shares.items()))
    # Headers and page fetches are counted too; a tunnel of packets counts those of IP and TCP.
    assert {name: share for name, share in shares.items() if not 1 <= share < 1.2} == {}
    assert PAGE not in answers.values()
