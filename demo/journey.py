"""Sends frames through every service, waits until each has caught up, and gathers what arrived."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from consumers.archive.parquet.location import ArchiveLocation
from consumers.archive.settings import PARQUET_CONNECTOR, POSTGRES_CONNECTOR
from consumers.archive.sql import ask_parquet, ask_postgres
from demo.arrivals import Arrived, GestureEvent, collect_arrived, collect_gestures, positions_sql
from demo.astronaut import FRAMES_PER_SECOND, AstronautView
from demo.deliveries import DeliveryBook, measure_lag
from demo.latency import Durable, Latency, measure_to_durable, measure_to_moment
from demo.packets import PacketCounter
from demo.performance import play_performance
from demo.services import Service, ServiceFailed, ServiceProcesses
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError
from producer_service.capture.captured import Source
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.ledger import Ledger, LedgerCounts
from producer_service.pipeline import produce, wall_clock_us
from producer_service.settings import ProducerSettings
from producer_service.watchers import Delivered, Watcher

GROUPS: Final = (POSTGRES_CONNECTOR, PARQUET_CONNECTOR, "analytics", "avatar")
ASTRONAUT_FRAMES: Final = 3 * FRAMES_PER_SECOND
_POLL_S: Final = 0.25

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Journey:
    """What to send, and where: `source` is a picture, folder or video, or None for the astronaut and a performer."""

    source: Path | None
    kafka: KafkaSettings
    database_url: str
    archive_dir: ArchiveLocation
    work_dir: Path
    """Logs of the services, and their measurements."""
    catch_up_timeout_s: float = 120.0


@dataclass(slots=True)
class JourneyReport:
    """Everything that was counted; `problems` says what does not add up."""

    streams: list[str]
    counts: LedgerCounts
    postgres: Arrived
    parquet: Arrived
    gestures: list[GestureEvent]
    avatar_packets: int
    to_postgres_ms: Latency | None
    to_avatar_ms: Latency | None
    seconds: float
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """For machine output."""
        return {
            "streams": self.streams,
            "frames_read": self.counts.frames_read,
            "frames_with_person": self.counts.frames_with_person,
            "published": self.counts.published,
            "acknowledged": self.counts.acknowledged,
            "parquet_rows": self.parquet.rows,
            "postgres_rows": self.postgres.rows,
            "gaps": self.postgres.gaps + self.parquet.gaps,
            "duplicates": self.postgres.duplicates + self.parquet.duplicates,
            "gesture_events": [gesture.as_dict() for gesture in self.gestures],
            "avatar_packets": self.avatar_packets,
            "latency_ms": {
                "postgres": None if self.to_postgres_ms is None else self.to_postgres_ms.as_dict(),
                "avatar": None if self.to_avatar_ms is None else self.to_avatar_ms.as_dict(),
            },
            "seconds": round(self.seconds, 2),
            "problems": self.problems,
        }


def run_journey(journey: Journey, say: Say, watchers: Sequence[Watcher] = ()) -> JourneyReport:
    """Start the consumers, produce, wait, stop, count. Raises ServiceFailed, or what the producer cannot begin with."""
    started_s = time.monotonic()
    book = DeliveryBook()
    durable_log, sent_log = journey.work_dir / "durable.jsonl", journey.work_dir / "sent.jsonl"
    with PacketCounter() as packets:
        say("starting archive, analytics and avatar, a process each")
        services = ServiceProcesses(_plan_services(journey, packets, durable_log, sent_log), journey.work_dir)
        with services:
            ledgers = _send_frames(journey, book, watchers, say)
            say("waiting until every group has caught up")
            problems = _wait_caught_up(journey, book.all(), services)
            exit_codes = services.stop()
    delivered = book.all()
    streams = sorted({frame.stream_id for frame in delivered})
    say("counting what arrived")
    problems += [f"the {name} service ended with exit code {code}" for name, code in exit_codes.items() if code]
    report = JourneyReport(
        streams=streams,
        counts=_add_counts([ledger.counts() for ledger in ledgers]),
        postgres=collect_arrived(ask_postgres(journey.database_url, positions_sql(delivered)), delivered),
        parquet=collect_arrived(ask_parquet(journey.archive_dir, positions_sql(delivered)), delivered),
        gestures=collect_gestures(journey.database_url, delivered),
        avatar_packets=packets.packets,
        to_postgres_ms=measure_to_durable(delivered, _read_durable(durable_log, POSTGRES_CONNECTOR)),
        to_avatar_ms=measure_to_moment(delivered, _read_sent(sent_log)),
        seconds=time.monotonic() - started_s,
    )
    report.problems = problems + _find_problems(report, ledgers, packets.strangers)
    return report


def _plan_services(journey: Journey, packets: PacketCounter, durable_log: Path, sent_log: Path) -> list[Service]:
    servers = {
        "KAFKA_BOOTSTRAP_SERVERS": journey.kafka.bootstrap_servers,
        "DATABASE_URL": journey.database_url,
    }
    return [
        Service(
            "consumers.archive",
            servers
            | {
                "HOLISTIC_ARCHIVE_DIR": str(journey.archive_dir),
                # A person waits: files are finished at once rather than when they are large.
                "HOLISTIC_ARCHIVE_PARQUET_CONFIG": json.dumps({"rotate.interval.ms": 500}),
                "HOLISTIC_DURABLE_LOG": str(durable_log),
            },
        ),
        Service("consumers.analytics", servers),
        Service(
            "consumers.avatar",
            servers | {"HOLISTIC_VMC_TARGETS": packets.target, "HOLISTIC_AVATAR_LATENCY_LOG": str(sent_log)},
        ),
    ]


def _send_frames(journey: Journey, book: DeliveryBook, watchers: Sequence[Watcher], say: Say) -> list[Ledger]:
    settings = ProducerSettings()
    watching = [book, *watchers]
    stop = threading.Event()
    run_id = f"{wall_clock_us() // 1_000_000 % 1_000_000:06d}"
    try:
        if journey.source is not None:
            say(f"sending {journey.source.name} through MediaPipe Holistic to Kafka")
            source = open_source(journey.source, SourceOptions(), wall_clock_us)
            return [produce([source], settings, journey.kafka, watchers=watching, stop=stop)]
        say("sending a photograph through MediaPipe Holistic, and a synthetic performer beside it, to Kafka")
        astronaut: Source = AstronautView(f"astronaut-{run_id}", ASTRONAUT_FRAMES, wall_clock_us)
        with ThreadPoolExecutor(1, thread_name_prefix="performer") as pool:
            playing: Future[Ledger] = pool.submit(
                play_performance, f"performer-{run_id}", settings, journey.kafka, watching, stop
            )
            try:
                photographed = produce([astronaut], settings, journey.kafka, watchers=watching, stop=stop)
            except BaseException:
                stop.set()
                raise
            return [photographed, playing.result()]
    except KeyboardInterrupt:
        stop.set()
        raise


def _wait_caught_up(journey: Journey, delivered: list[Delivered], services: ServiceProcesses) -> list[str]:
    deadline_s = time.monotonic() + journey.catch_up_timeout_s
    waiting = list(GROUPS)
    while waiting:
        try:
            services.check()
        except ServiceFailed as error:
            return [error.message]
        waiting = [group for group in waiting if measure_lag(journey.kafka, group, delivered).records]
        if time.monotonic() > deadline_s:
            return [f"{group} did not catch up within {journey.catch_up_timeout_s:.0f} s" for group in waiting]
        time.sleep(_POLL_S)
    return []


def _add_counts(parts: list[LedgerCounts]) -> LedgerCounts:
    dropped: dict[str, int] = {}
    rejected: dict[str, int] = {}
    for part in parts:
        for total, counted in ((dropped, part.dropped), (rejected, part.rejected)):
            for reason, frames in counted.items():
                total[reason] = total.get(reason, 0) + frames
    return LedgerCounts(
        received=sum(part.received for part in parts),
        frames_read=sum(part.frames_read for part in parts),
        frames_with_person=sum(part.frames_with_person for part in parts),
        published=sum(part.published for part in parts),
        acknowledged=sum(part.acknowledged for part in parts),
        dropped=dropped,
        rejected=rejected,
    )


def _find_problems(report: JourneyReport, ledgers: list[Ledger], strangers: int) -> list[str]:
    counts, problems = report.counts, []
    for ledger in ledgers:
        error: HolisticError | None = ledger.error
        if error is not None:
            problems.append(f"producing: {error.message}")
        problems += [f"{refused.name}: {refused.message}" for source in ledger.sources for refused in source.refusals]
    if counts.frames_read == 0:
        problems.append("no frame was read")
    if not counts.adds_up:
        problems.append(f"the ledger does not add up: {counts.as_dict()}")
    for name, rows in (("Postgres", report.postgres.rows), ("Parquet", report.parquet.rows)):
        if rows != counts.acknowledged:
            problems.append(f"{name} holds {rows} rows of {counts.acknowledged} frames acknowledged")
    if counts.acknowledged != counts.published:
        problems.append(f"{counts.acknowledged} of {counts.published} frames published were acknowledged")
    for name, arrived in (("Postgres", report.postgres), ("Parquet", report.parquet)):
        if arrived.gaps or arrived.duplicates:
            problems.append(f"{name}: {arrived.gaps} gaps, {arrived.duplicates} duplicates")
    if counts.frames_with_person and not report.avatar_packets:
        problems.append("the avatar sent no packet")
    if strangers:
        problems.append(f"{strangers} packets were no VMC")
    return problems


def _read_lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def _read_durable(path: Path, connector: str) -> list[Durable]:
    return [
        Durable(line["partition"], line["next_offset"], line["at_us"])
        for line in _read_lines(path)
        if line["connector"] == connector
    ]


def _read_sent(path: Path) -> dict[tuple[int, int], int]:
    return {(line["partition"], line["offset"]): line["sent_at_us"] for line in _read_lines(path)}
