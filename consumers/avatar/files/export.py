"""Files of one take, as many kinds as are wanted, from one solve."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from consumers.avatar.files.bvh import BvhFile
from consumers.avatar.files.gltf_animation import GltfAnimationFile
from consumers.avatar.files.motion_file import Form, MotionFile
from consumers.avatar.files.take import TakeClock, solve_take
from consumers.avatar.files.vmc_recording import VmcRecordingFile
from consumers.avatar.files.vrma import VrmaFile
from keypoints.errors import Terminal
from keypoints.frame import FrameBatch


class NobodySeen(Terminal):
    """There are frames, but no person in any of them; or there are no frames. Fields: stream, frames."""


@dataclass(frozen=True, slots=True)
class TakeOptions:
    """Whose take it is, how many states a second it has, and whether VRMA has ARKit's shapes instead of presets."""

    stream_id: str
    rate: float = 30.0
    perfect_sync: bool = False


@dataclass(frozen=True, slots=True)
class TakeReport:
    """`frames` taken and `passed_over` (late or double), `states` written, and when the first frame was captured."""

    frames: int
    passed_over: int
    states: int
    seconds: float
    began_us: int


def export_take(
    batches: Iterable[FrameBatch],
    files: Sequence[tuple[Form, BinaryIO]],
    options: TakeOptions,
    on_progress: Callable[[int], None] = lambda _frames: None,
) -> TakeReport:
    """Solve one performer's frames, in the order of their topic, and write what comes of them to every file.

    `on_progress` is told how many frames were taken so far. Raises NobodySeen.
    """
    clock = TakeClock()
    opened = [_open(form, file, options, clock) for form, file in files]
    states = 0
    for block in solve_take(batches, options.rate, clock):
        for file in opened:
            file.add(block)
        states += len(block)
        on_progress(clock.frames)
    if not states:
        raise NobodySeen(
            f"no person is to be seen in {options.stream_id}",
            hint="`holistic streams` says who there is; --from and --to choose another time.",
            stream=options.stream_id, frames=clock.frames,
        )  # fmt: skip
    for file in opened:
        file.finish()
    return TakeReport(clock.frames, clock.passed_over, states, (states - 1) / options.rate, clock.began_us)


def _open(form: Form, file: BinaryIO, options: TakeOptions, clock: TakeClock) -> MotionFile:
    stream_id, rate = options.stream_id, options.rate
    match form:
        case Form.BVH:
            return BvhFile(file, rate)
        case Form.GLB:
            return GltfAnimationFile(file, stream_id, rate)
        case Form.VRMA:
            return VrmaFile(file, stream_id, rate, perfect_sync=options.perfect_sync)
        case Form.VMC:
            return VmcRecordingFile(file, stream_id, rate, lambda: clock.began_us)
