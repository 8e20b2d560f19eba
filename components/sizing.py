"""From settings to what each container may use and how long it may take to become healthy."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pulumi

from . import checks
from .engine import cpu_count
from .errors import SettingsError
from .service import SMALL, STANDARD, Health, Host, Limits
from .settings import Settings, config_key

# What a start may take beyond its last health check: the container's own creation, and a busy disk.
_SPARE_SECONDS = 20


# Each is asked by a process of ssh's own.
_ASKED_AT_ONCE = 10


def host(settings: Settings) -> Host:
    """Return what every container of the engine shares; asks the engine only if `resourceProfile` is auto."""
    return _host(settings, _limits(settings))


def hosts(several: Sequence[Settings]) -> list[Host]:
    """Return the same for a fleet's further engines, asked at the same time.

    One that does not answer is left out of the update, or ends it by itself: nothing is made of what stands for it.
    """
    if not several:
        return []
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        return list(map(_host, several, pool.map(_limits_or_standard, several)))


def _limits_or_standard(settings: Settings) -> Limits:
    try:
        return _limits(settings)
    except SettingsError as error:
        pulumi.log.warn(str(error))
        return STANDARD


def _host(settings: Settings, limits: Limits) -> Host:
    return Host(
        limits=limits, health=_health(settings), log_max_size=settings.log_max_size,
        log_max_files=settings.log_max_files, open_files=settings.open_files_limit,
        time_zone=settings.time_zone)


def _limits(settings: Settings) -> Limits:
    profile = settings.resource_profile
    if profile == "auto":
        profile = "small" if cpu_count(settings.docker_host) == 1 else "standard"
    return SMALL if profile == "small" else STANDARD


def _health(settings: Settings) -> Health:
    return Health(
        interval=settings.health_interval, timeout=settings.health_timeout,
        start_period=settings.health_start_period, start_interval=settings.health_start_interval,
        retries=settings.health_retries, wait_seconds=_wait_seconds(settings))


def _wait_seconds(settings: Settings) -> int:
    """Until the last check that may still succeed has ended: start period, then all the retries."""
    def seconds(name: str) -> float:
        return checks.duration_seconds(config_key(name), getattr(settings, name))

    one_check = seconds("health_interval") + seconds("health_timeout")
    return int(seconds("health_start_period") + settings.health_retries * one_check) + _SPARE_SECONDS
