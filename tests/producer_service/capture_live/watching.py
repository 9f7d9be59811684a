"""A camera as its source shows it."""

import ssl
from collections.abc import Callable, Generator

import trustme

from producer_service.capture.captured import Captured, Interrupted, Refused, SourceItem
from producer_service.capture.live_source import LiveSource, Patience
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.pipeline import wall_clock_us
from tests.producer_service.capture_live.http_camera import HttpCamera
from tests.producer_service.capture_live.rtsp_camera import RtspCamera

QUICK = Patience(connect_s=10, picture_s=3, frozen_after_s=0.6, first_delay_s=0.05, longest_delay_s=0.2)
AnyCamera = RtspCamera | HttpCamera
MakeCamera = Callable[..., AnyCamera]


def watch(url: str, patience: Patience = QUICK) -> LiveSource:
    source = open_source(url, SourceOptions(patience=patience), wall_clock_us)
    assert isinstance(source, LiveSource)
    return source


def take_pictures(items: Generator[SourceItem, None, None], count: int) -> list[Captured]:
    taken: list[Captured] = []
    while len(taken) < count:
        item = next(items)
        assert isinstance(item, Captured)
        taken.append(item)
    return taken


def take_until_interrupted(items: Generator[SourceItem, None, None]) -> tuple[int, Interrupted]:
    """How many pictures came before it, and it."""
    for count, item in enumerate(items):
        if isinstance(item, Interrupted):
            return count, item
    raise AssertionError("it ended")


def refusal_of(source: LiveSource) -> Refused:
    [refused] = source.read()
    assert isinstance(refused, Refused)
    return refused


def certify(authority: trustme.CA, host: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context
