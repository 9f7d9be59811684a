"""received = acknowledged + dropped + rejected, and the outcome of a source is the worst that can be said of it."""

import threading

import orjson
import pytest

from producer_service.capture.captured import RefusalReason, Refused
from producer_service.ledger import MAX_REFUSALS_LISTED, Ledger, SourceOutcome, SourceReport

BAD = Refused("a.png", RefusalReason.DAMAGED_IMAGE, "the PNG picture is damaged")


def test_everything_that_came_in_is_somewhere() -> None:
    ledger = Ledger()
    for _ in range(5):
        ledger.count_frame_read()
    ledger.count_input_rejected(RefusalReason.MISSING_FILE)
    ledger.count_frame_rejected(RefusalReason.INFERENCE_FAILED)
    assert ledger.counts().received == 6
    assert ledger.counts().in_flight == 4
    assert not ledger.counts().adds_up
    for _ in range(3):
        ledger.count_acknowledged()
    ledger.count_dropped("record_too_large")
    assert ledger.counts().adds_up
    assert not ledger.clean
    assert orjson.loads(orjson.dumps(ledger.as_dict()))["rejected"] == {"missing_file": 1, "inference_failed": 1}


def test_a_frame_counted_twice_does_not_add_up() -> None:
    ledger = Ledger()
    ledger.count_frame_read()
    ledger.count_acknowledged()
    assert ledger.clean
    ledger.count_dropped("not_acknowledged")
    assert not ledger.counts().adds_up


def test_what_waits_on_disk_is_received_and_adds_up_but_is_not_on_the_topic() -> None:
    ledger = Ledger()
    ledger.count_recovered(3)
    ledger.count_frame_read()
    ledger.count_spilled()
    assert ledger.counts().received == ledger.counts().in_flight == ledger.counts().spilled == 4
    ledger.count_unspilled()
    ledger.count_acknowledged()
    assert ledger.counts().adds_up
    assert not ledger.clean
    for _ in range(3):
        ledger.count_unspilled()
        ledger.count_acknowledged()
    assert ledger.clean


def test_counts_from_several_threads_are_all_there() -> None:
    ledger = Ledger()

    def count() -> None:
        for _ in range(2_000):
            ledger.count_frame_read()
            ledger.count_acknowledged()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (ledger.counts().received, ledger.counts().in_flight) == (8_000, 0)


@pytest.mark.parametrize(
    ("frames", "with_person", "rejected", "stopped", "failed", "outcome"),
    [
        (3, 3, 0, False, False, SourceOutcome.PUBLISHED),
        (3, 1, 0, False, False, SourceOutcome.PUBLISHED),
        (1, 0, 0, False, False, SourceOutcome.NO_PERSON),
        (0, 0, 1, False, False, SourceOutcome.REJECTED),
        (2, 2, 1, False, False, SourceOutcome.PARTLY_REJECTED),
        (2, 2, 1, True, False, SourceOutcome.STOPPED),
        (2, 2, 1, True, True, SourceOutcome.NOT_DELIVERED),
    ],
)
def test_the_outcome_of_a_source(
    frames: int, with_person: int, rejected: int, stopped: bool, failed: bool, outcome: SourceOutcome
) -> None:
    report = SourceReport("a", "a", frames=frames, frames_with_person=with_person, stopped=stopped, failed=failed)
    for _ in range(rejected):
        report.refuse(BAD)
    assert report.outcome is outcome


def test_a_folder_of_a_million_bad_files_does_not_fill_the_memory() -> None:
    report = SourceReport("a", "a")
    for _ in range(5_000):
        report.refuse(BAD)
    assert report.rejected == 5_000
    assert len(report.refusals) == MAX_REFUSALS_LISTED
