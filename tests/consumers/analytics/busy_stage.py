"""Performers who do a bit of everything, captured with every fault there is: records as they lie in a partition."""

from functools import cache

from keypoints.frame import FrameBatch
from performers.acts import ActKind
from performers.clock import SteadyClock
from performers.faults import FaultKind
from performers.load_plan import LoadPlan, prepare_load
from tests.consumers.analytics.made_hands import START_US

FPS = 30
_ACTS = (
    (ActKind.WAVE, ActKind.THUMBS_UP, ActKind.SQUAT, ActKind.SPEAK),
    (ActKind.CIRCLE_CLOCKWISE, ActKind.JUMPING_JACK, ActKind.NOD, ActKind.FALL),
    (ActKind.CURL, ActKind.CLAP, ActKind.VICTORY, ActKind.WALK, ActKind.LEAVE),
    (ActKind.T_POSE, ActKind.SWIPE_LEFT, ActKind.SIT, ActKind.RAISE_HAND, ActKind.OPEN),
)


@cache
def busy_stage(streams: int = 4, seconds: float = 20.0, faults: float = 0.02) -> FrameBatch:
    """The same frames each time; `faults` is the share of frames that each kind of fault befalls."""
    plan = LoadPlan(
        rate=FPS * streams,
        streams=streams,
        seconds=seconds,
        seed=5,
        mix=tuple((acts, 1.0) for acts in _ACTS),
        faults=dict.fromkeys(FaultKind, faults) if faults else {},
        name="stage",
    )
    rehearsal = prepare_load(plan, SteadyClock())
    return FrameBatch.from_frames(list(rehearsal.frames(start_us=START_US, epoch=1)))
