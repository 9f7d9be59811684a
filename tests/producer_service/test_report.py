"""What a person reads: refusals as they happen, a sum that adds up, and an exit code that agrees with it."""

import io
import signal
from pathlib import Path

from rich.console import Console

from keypoints import HolisticFrame
from keypoints.errors import Transient
from producer_service.capture.captured import RefusalReason, Refused
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.ledger import Ledger, SourceReport
from producer_service.report import ProgressBar, ProgressLines, print_ledger
from producer_service.run import exit_code
from producer_service.stopping import StopRequest, stop_on_signals

NOBODY = HolisticFrame(stream_id="a", sequence=0, epoch=1, captured_at_us=1, processed_at_us=2, width=4, height=3)


def make_ledger(acknowledged: int, rejected: int = 0, dropped: int = 0) -> Ledger:
    ledger = Ledger()
    report = SourceReport("talks/[ada].mp4", "ada", epoch=1, frames=acknowledged, frames_with_person=acknowledged)
    ledger.sources.append(report)
    for _ in range(acknowledged + dropped):
        ledger.count_frame_read()
    for _ in range(acknowledged):
        ledger.count_acknowledged()
    for _ in range(rejected):
        ledger.count_input_rejected(RefusalReason.DAMAGED_IMAGE)
        report.refuse(Refused("b.png", RefusalReason.DAMAGED_IMAGE, "damaged"))
    if dropped:
        ledger.count_dropped("kafka_unavailable", dropped)
        ledger.error = Transient("the broker went away", hint="is it up?")
    return ledger


def shown(ledger: Ledger) -> str:
    text = io.StringIO()
    print_ledger(ledger, Console(file=text, width=120))
    return text.getvalue()


def test_the_table_ends_in_a_sum_that_adds_up() -> None:
    text = shown(make_ledger(acknowledged=7, rejected=2, dropped=3))
    assert "talks/[ada].mp4" in text
    assert (
        "received 12 = acknowledged 7 + dropped 3 (kafka_unavailable 3) + rejected 2 (damaged_image 2): adds up" in text
    )
    assert "the broker went away" in text
    assert "is it up?" in text


def test_a_sum_that_does_not_add_up_says_by_how_much() -> None:
    ledger = make_ledger(acknowledged=2)
    ledger.count_frame_read()
    assert "1 unaccounted for" in shown(ledger)


def test_the_exit_code_says_whether_everything_is_on_the_topic() -> None:
    quiet, interrupted = StopRequest(), StopRequest()
    interrupted.take(signal.SIGINT, None)
    assert exit_code(make_ledger(3), quiet) == 0
    assert exit_code(make_ledger(3, rejected=1), quiet) == 1
    assert exit_code(make_ledger(3, dropped=1), quiet) == 1
    assert exit_code(make_ledger(3), interrupted) == 130
    assert exit_code(make_ledger(3, dropped=1), interrupted) == 1


def test_signals_ask_for_a_stop_and_the_handlers_before_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals() as request:
        signal.raise_signal(signal.SIGTERM)
        assert request.event.is_set()
        assert not request.interrupted
    assert signal.getsignal(signal.SIGTERM) is before


def test_where_no_terminal_is_progress_is_a_line_every_ten_seconds(tmp_path: Path) -> None:
    text = io.StringIO()
    seconds = iter(range(1000))
    lines = ProgressLines(Console(file=text, width=200), clock_s=lambda: float(next(seconds)))
    source = open_source(tmp_path / "walk.mp4", SourceOptions(), lambda: 0)
    lines.source_opened(source)
    for _ in range(35):
        lines.frame_processed(source, NOBODY)
    lines.input_refused(source, Refused("b.png", RefusalReason.DAMAGED_IMAGE, "cut short"))
    said = text.getvalue().splitlines()
    assert said[0].endswith("reading as stream walk")
    assert said[-1] == "b.png: damaged_image: cut short"
    assert 2 <= sum(line.endswith((" of 0 frames", " frames")) for line in said[1:-1]) <= 4


def test_on_a_terminal_the_bar_counts_frames_and_refusals_stand_above_it(tmp_path: Path) -> None:
    text = io.StringIO()
    console = Console(file=text, width=120, force_terminal=True)
    source = open_source(tmp_path / "[odd] name.mp4", SourceOptions(), lambda: 0)
    with ProgressBar(console) as bar:
        bar.source_opened(source)
        for _ in range(3):
            bar.frame_processed(source, NOBODY)
        bar.input_refused(source, Refused("b.png", RefusalReason.DAMAGED_IMAGE, "cut short"))
        bar.source_finished(SourceReport(source.name, source.stream_id, frames=3))
    assert "3/3" in text.getvalue()
    assert "[odd] name.mp4" in text.getvalue()
    assert "b.png: damaged_image: cut short" in text.getvalue()
