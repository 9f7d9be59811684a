"""What a person is told of a run that goes on, and when there is nothing left to go on with."""

import io
import signal
from contextlib import nullcontext

import pytest
from rich.console import Console

from keypoints.errors import Transient
from producer_service.capture.captured import RefusalReason
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.ledger import Ledger, SourceOutcome, SourceReport
from producer_service.report import ProgressBar, ProgressLines, print_ledger
from producer_service.run import is_all_settled
from producer_service.stopping import StopRequest


def make_ledger(already_published: int) -> Ledger:
    ledger = Ledger()
    ledger.sources.append(SourceReport("walk.mp4", "walk", epoch=1, already_published=already_published))
    return ledger


def test_the_table_and_the_json_say_what_was_published_already() -> None:
    ledger = make_ledger(already_published=4711)
    text = io.StringIO()
    print_ledger(ledger, Console(file=text, width=120))
    assert "already published" in text.getvalue()
    assert "4711" in text.getvalue()
    assert "received 0 = acknowledged 0" in text.getvalue()
    assert ledger.sources[0].as_dict()["already_published"] == 4711
    assert ledger.sources[0].outcome is SourceOutcome.PUBLISHED


def test_where_nothing_was_published_already_the_table_does_not_speak_of_it() -> None:
    text = io.StringIO()
    print_ledger(make_ledger(already_published=0), Console(file=text, width=120))
    assert "already" not in text.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_it_is_said_that_a_file_is_gone_on_with_and_how_not_to(terminal: bool) -> None:
    text = io.StringIO()
    console = Console(file=text, width=300, force_terminal=terminal)
    source = open_source("walk.mp4", SourceOptions(), lambda: 0)
    with ProgressBar(console) if terminal else nullcontext(ProgressLines(console)) as watcher:
        watcher.source_opened(source)
        watcher.source_resumed(source, 17, 3)
        for _ in range(3):
            watcher.frame_passed_over(source)
        watcher.source_finished(SourceReport(source.name, source.stream_id, already_published=3))
    said = text.getvalue()
    assert "walk.mp4: goes on where an earlier run ended, under epoch 17: 3 of its frames" in said
    assert "--afresh" in said
    assert ("3/3" if terminal else "3 published already") in said


def test_there_is_something_to_go_on_with_after_a_failure_and_sigterm_and_not_after_a_rejection() -> None:
    stopped = StopRequest()
    stopped.take(signal.SIGTERM, None)
    failed, dropped, rejected = Ledger(), Ledger(), Ledger()
    failed.error = Transient("the broker went away")
    dropped.count_frame_read()
    dropped.count_dropped("kafka_unavailable")
    rejected.count_input_rejected(RefusalReason.DAMAGED_IMAGE)
    assert is_all_settled(Ledger(), StopRequest())
    assert is_all_settled(rejected, StopRequest())
    assert not is_all_settled(Ledger(), stopped)
    assert not is_all_settled(failed, StopRequest())
    assert not is_all_settled(dropped, StopRequest())
