"""What comes out of records, without servers."""

from collections.abc import Sequence

from consumers.analytics.features.motion import track_bodies
from consumers.analytics.finding import Category, Phase
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.results import ResultEvent
from consumers.analytics.streams import Outcome, PartitionStreams
from keypoints.frame import FrameBatch


def take(partition: PartitionStreams, *batches: FrameBatch) -> Outcome:
    """All that batches of one partition cause, one poll each."""
    outcome = Outcome()
    for batch in batches:
        outcome.extend(partition.advance(read_facts(batch), batch.offset.tolist(), track_bodies(batch), Repertoire()))
    return outcome


def work_out(partition: PartitionStreams, *batches: FrameBatch) -> list[ResultEvent]:
    """The events of them."""
    return [event for _, event in take(partition, *batches).events]


def work_out_shapes(partition: PartitionStreams, *batches: FrameBatch) -> list[ResultEvent]:
    """The events of them that are about hand shapes."""
    return only(work_out(partition, *batches), Category.SHAPE)


def only(events: Sequence[ResultEvent], category: Category) -> list[ResultEvent]:
    return [event for event in events if event.result.finding.category is category]


def begun(events: Sequence[ResultEvent], subject: str) -> list[tuple[str, int]]:
    """(kind, offset of the first frame) of each shape a hand began to hold."""
    return [
        (event.result.finding.kind, event.result.finding.first_offset)
        for event in events
        if event.phase is Phase.START and event.result.finding.subject == subject
    ]
