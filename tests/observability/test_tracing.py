"""Traces as a collector gets them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from keypoints.errors import Terminal
from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.topics import Headers
from observability.tracing import Tracing, open_tracing
from tests.observability.collector import Collector, attributes_of, collecting


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> object:
    with collecting() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.endpoint)
        yield running


def batch_with(*headers: Headers) -> FrameBatch:
    frames = [
        HolisticFrame(stream_id="ada", sequence=index, epoch=1, captured_at_us=0, processed_at_us=0, width=1, height=1)
        for index in range(len(headers))
    ]
    return replace(FrameBatch.from_frames(frames, topic="frames"), headers=headers)


def test_tracing_is_off_unless_asked_for() -> None:
    tracing = open_tracing("archive", {})
    assert not tracing.is_on
    trace = tracing.begin_publish("frames")
    assert trace.traceparent() is None
    trace.end()
    with tracing.trace_put("archive", 0, batch_with(())):
        pass
    tracing.close()


def test_a_wish_that_means_nothing_is_named() -> None:
    with pytest.raises(Terminal, match="HOLISTIC_TRACING='zipkin': must be one of off, otlp"):
        open_tracing("archive", {"HOLISTIC_TRACING": "zipkin"})


def test_a_put_is_linked_to_the_records_it_puts(collector: Collector) -> None:
    with closing(open_tracing("archive", {"HOLISTIC_TRACING": "otlp"})) as tracing:
        sent = [tracing.begin_publish("frames") for _ in range(2)]
        headers: list[Headers] = [(("traceparent", str(one.traceparent()).encode()),) for one in sent]
        for one in sent:
            one.end()
        with tracing.trace_put("archive-parquet", 3, batch_with(*headers, (), (("traceparent", b"rubbish"),))):
            pass
    published = {(span.trace_id, span.span_id) for span in collector.named("send frames")}
    (put,) = collector.named("process frames")
    assert {(link.trace_id, link.span_id) for link in put.links} == published
    assert len(published) == 2
    assert collector.services == {"archive"}
    assert attributes_of(put) == {
        "messaging.system": "kafka", "messaging.operation.type": "process", "messaging.destination.name": "frames",
        "messaging.consumer.group.name": "archive-parquet", "messaging.batch.message_count": 4, "holistic.task": 3,
    }  # fmt: skip


def test_what_fails_says_so(collector: Collector) -> None:
    with closing(open_tracing("archive", {"HOLISTIC_TRACING": "otlp"})) as tracing:
        tracing.begin_publish("frames").end(Terminal("too large"))
        with pytest.raises(Terminal), tracing.trace_put("archive", 0, batch_with(())):
            raise Terminal("the disk is full")
    assert [span.status.message for span in collector.named("")] == ["too large", "the disk is full"]


def test_many_records_are_linked_up_to_a_bound(collector: Collector) -> None:
    with closing(open_tracing("archive", {"HOLISTIC_TRACING": "otlp"})) as tracing:
        headers: list[Headers] = [
            (("traceparent", f"00-{index + 1:032x}-{index + 1:016x}-01".encode()),) for index in range(500)
        ]
        with tracing.trace_put("archive", 0, batch_with(*headers)):
            pass
    (put,) = collector.named("process")
    assert len(put.links) == 128


def test_off_is_also_a_default_of_its_own() -> None:
    assert not Tracing().is_on
