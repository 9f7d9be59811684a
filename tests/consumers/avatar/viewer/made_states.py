"""States that nobody performed, and stages that show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.humanoid.skeleton import BONE_COUNT, Bone
from consumers.avatar.states import AvatarStates
from consumers.avatar.viewer.hub import Channel

NOW_US = 1_790_000_000_000_000


def made_states(count: int, seed: int = 1) -> AvatarStates:
    """`count` performers in poses of chance, some bones and shapes of whom are unknown."""
    rng = np.random.default_rng(seed)
    rotations = rng.normal(size=(count, BONE_COUNT, 4))
    rotations /= np.linalg.norm(rotations, axis=-1, keepdims=True)
    return AvatarStates(
        rotations=rotations,
        shapes=rng.random((count, SHAPE_COUNT)),
        root_m=rng.normal(size=(count, 3)),
        bones_known=rng.random((count, BONE_COUNT)) < 0.7,
        shapes_known=rng.random((count, SHAPE_COUNT)) < 0.7,
        tracked=rng.random(count) < 0.5,
    )


def still_states(jaw: Sequence[float]) -> AvatarStates:
    """Performers at rest, told apart by how far their jaws are open."""
    count = len(jaw)
    rotations = np.zeros((count, BONE_COUNT, 4))
    rotations[..., 3] = 1.0
    shapes = np.zeros((count, SHAPE_COUNT))
    shapes[:, Blendshape.JAW_OPEN] = jaw
    known = np.zeros((count, BONE_COUNT), np.bool_)
    known[:, Bone.HIPS] = True
    return AvatarStates(
        rotations,
        shapes,
        np.zeros((count, 3)),
        known,
        np.ones((count, SHAPE_COUNT), np.bool_),
        np.ones(count, np.bool_),
    )


@dataclass(frozen=True)
class MadeFrame:
    captured_at_us: int


@dataclass(frozen=True)
class MadePerformer:
    """A performer whose frame was captured a millisecond before it arrived."""

    stream_id: str
    heard_at_us: int = NOW_US
    partition: int = 0
    interval_us: float = 40_000.0

    @property
    def last(self) -> MadeFrame:
        return MadeFrame(self.heard_at_us - 1000)


@dataclass
class Part:
    avatar: str | None = None
    mirror: bool = False


@dataclass
class MadeParts:
    """Who plays what, for `Hub`."""

    parts: dict[str, Part] = field(default_factory=dict)
    version: int = 0

    def role_of(self, stream: str) -> Part:
        return self.parts.get(stream, Part())

    def give(self, stream: str, part: Part) -> None:
        self.parts[stream] = part
        self.version += 1


def publish(channel: Channel, jaws: Mapping[str, float], now_us: int = NOW_US) -> None:
    """Show still performers of these streams, with jaws so far open."""
    performers = [MadePerformer(stream, now_us) for stream in jaws]
    channel.publish(performers, still_states(list(jaws.values())), now_us)
