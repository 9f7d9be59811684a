"""What was shown last is found again by the next process, unless it is old, spoiled, or another's."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from consumers.avatar.face.arkit import SHAPE_COUNT
from consumers.avatar.humanoid.skeleton import BONE_COUNT
from consumers.avatar.stage.memory import WORTH_S, PoseMemory
from consumers.avatar.stage.performer import Performer
from consumers.avatar.states import AvatarStates

NOW_US = 1_790_000_000_000_000


def make_states(count: int, seed: int = 1) -> AvatarStates:
    dice = np.random.default_rng(seed)
    rotations = dice.normal(size=(count, BONE_COUNT, 4))
    return AvatarStates(
        rotations=rotations / np.linalg.norm(rotations, axis=-1, keepdims=True),
        shapes=dice.random((count, SHAPE_COUNT)),
        root_m=dice.normal(size=(count, 3)),
        bones_known=dice.random((count, BONE_COUNT)) < 0.8,
        shapes_known=dice.random((count, SHAPE_COUNT)) < 0.8,
        tracked=np.ones(count, dtype=np.bool_),
    )


def performer(stream_id: str, slot: int) -> Performer:
    return Performer(stream_id, 0, slot, NOW_US)


def test_the_next_process_finds_what_was_shown_last(tmp_path: Path) -> None:
    path = tmp_path / "state" / "avatar.poses"
    memory, states = PoseMemory(path, 8), make_states(2)
    memory.note([performer("ada", 3), performer("bob", 5)], make_states(2, seed=2), NOW_US - 16_667)
    memory.note([performer("ada", 3), performer("bob", 5)], states, NOW_US)
    # The file is all there is of a process that was killed.
    spared = path.read_bytes()
    memory.close()
    path.write_bytes(spared)
    with closing(PoseMemory(path, 8)) as later:
        found = later.recall("bob", NOW_US + 3_000_000)
    assert found is not None
    np.testing.assert_allclose(found.rotations[0], states.rotations[1], atol=1e-6)
    np.testing.assert_allclose(found.shapes[0], states.shapes[1], atol=1e-6)
    np.testing.assert_allclose(found.root_m[0], states.root_m[1], atol=1e-6)
    np.testing.assert_array_equal(found.bones_known[0], states.bones_known[1])


def test_what_is_old_or_anothers_is_not_gone_on_from(tmp_path: Path) -> None:
    memory = PoseMemory(tmp_path / "poses", 4)
    memory.note([performer("ada", 0)], make_states(1), NOW_US)
    assert memory.recall("ada", NOW_US) is None, "it is this process's own"
    memory.close()
    with closing(PoseMemory(tmp_path / "poses", 4)) as later:
        assert later.recall("bob", NOW_US) is None
        assert later.recall("ada", NOW_US + int(WORTH_S * 1e6) + 1) is None
        assert later.recall("ada", NOW_US) is not None


def test_a_spoiled_file_is_no_pose(tmp_path: Path) -> None:
    memory = PoseMemory(tmp_path / "poses", 1)
    memory.note([performer("ada", 0)], make_states(1), NOW_US)
    memory.close()
    whole = bytearray((tmp_path / "poses").read_bytes())
    whole[200:400] = b"\xff" * 200
    (tmp_path / "poses").write_bytes(whole)
    with closing(PoseMemory(tmp_path / "poses", 1)) as later:
        assert later.recall("ada", NOW_US) is None


def test_two_processes_never_share_a_file(tmp_path: Path) -> None:
    memory = PoseMemory(tmp_path / "poses", 1)
    with pytest.raises(OSError, match="another process uses it"):
        PoseMemory(tmp_path / "poses", 1)
    memory.close()


def test_a_file_made_for_fewer_performers_is_used_again(tmp_path: Path) -> None:
    memory = PoseMemory(tmp_path / "poses", 1)
    memory.note([performer("ada", 0)], make_states(1), NOW_US)
    memory.close()
    with closing(PoseMemory(tmp_path / "poses", 64)) as later:
        assert later.recall("ada", NOW_US) is not None
