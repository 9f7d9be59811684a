"""How each receiver of VMC wants to be sent to.

Where a receiver's source or manual says so, `source` names it; what could not be looked up is left as the VMC protocol
(specification 3.1, protocol.vmc.info) has it, and `source` says that.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.outputs.vmc.camera import Camera

MARIONETTE_PORT: Final = 39539
"""Where receivers of motion listen unless told otherwise."""

PERFORMER_PORT: Final = 39540
"""Where programs listen that take devices and expressions and send motion on."""


class Names(StrEnum):
    """A set of names under which expressions are sent."""

    VRM0 = "vrm0"
    VRM1 = "vrm1"
    ARKIT = "arkit"
    ARKIT_PASCAL = "arkit-pascal"


@dataclass(frozen=True, slots=True)
class Profile:
    """What is sent to a receiver, and in which form.

    `names` are the sets of expressions, in this order; two sets at once drive a model twice that knows both.
    `ok_values` is how many values `/VMC/Ext/OK` has: loaded; with calibration state and mode; with tracking status.
    `moves_hips`: how far the performer has moved is in the place of the hips (else they stay at rest). `sends_unknown`:
    bones that were never seen are sent at rest, where else they are left out. `looks_by_expression`: the gaze is in the
    expressions LookUp, LookDown, LookLeft and LookRight, where else the eyes' bones are turned. `root_scale`: the form
    of `/VMC/Ext/Root/Pos` with scale and offset (2.1), which calibration mode 1 switches on. `without`: bones that the
    model does not have.
    """

    name: str
    title: str
    port: int = MARIONETTE_PORT
    names: tuple[Names, ...] = (Names.VRM0,)
    ok_values: Literal[1, 3, 4] = 4
    moves_hips: bool = True
    sends_unknown: bool = False
    sends_fingers: bool = True
    looks_by_expression: bool = False
    bundles: bool = True
    root_scale: float | None = None
    camera: Camera | None = None
    without: frozenset[Bone] = frozenset()
    quirks: str = ""
    source: str = "the VMC protocol's specification 3.1"


_ALL: Final = (
    Profile(
        "vrm0", "Any receiver with a VRM 0 model", quirks="The default: the specification asks every sender for it."
    ),
    Profile("vrm1", "Any receiver with a VRM 1 model that wants VRM 1 names", names=(Names.VRM1,)),
    Profile(
        "perfect-sync",
        "Any receiver with a model that has ARKit's shapes, named as Apple does",
        names=(Names.ARKIT,),
        quirks="Names are told apart by case: browDownLeft.",
    ),
    Profile(
        "perfect-sync-pascal",
        "The same, named as many VRM models do",
        names=(Names.ARKIT_PASCAL,),
        quirks="Names are told apart by case: BrowDownLeft.",
    ),
    Profile(
        "vseeface",
        "VSeeFace",
        quirks=(
            "Its own tracking ends while the receiver is on. For a model with perfect sync, add names=arkit-pascal. "
            "It has been seen to reset the pose for senders whose bones have no place (zeros)."
        ),
        source="its release notes of 1.13.34 (root and hips, blendshapes), issue 15 of VSeeFaceReleases (zeros)",
    ),
    Profile(
        "warudo",
        "Warudo",
        names=(Names.ARKIT,),
        quirks="The model's joints must be unturned at rest (a VRM exported with Enforce T-Pose).",
        source="Warudo's handbook: VMC (port, joints), Customizing Face Tracking (ARKit names in camelCase)",
    ),
    Profile(
        "vnyan",
        "VNyan",
        names=(Names.ARKIT,),
        quirks="The port is the one entered in VNyan. Without ARKit's 52 clips in the model, use names=vrm0.",
        source="VNyan's manual: Tracking Layers (ARKit clips); the rest as the specification has it",
    ),
    Profile(
        "evmc4u",
        "EVMC4U (Unity)",
        quirks=(
            "A message with too few values stops it for good. It drops what comes after 30 states within one of its "
            "own frames. Bones without a place collapse the model. Names are taken in any case, VRM 0's also for VRM 1."
        ),
        source="EVMC4U's ExternalReceiver.cs 5.0a",
    ),
    Profile(
        "vmagicmirror",
        "VMagicMirror",
        quirks=(
            "It takes head, hands with fingers, face and legs, each if ticked; after 0.5 s without packets it lets go. "
            "The port is the one entered. VRM 0's names, VRM 1's and ARKit's in either case are all understood."
        ),
        source="VMagicMirror's manual (VMC Protocol) and its VMCPReceiver.cs, VMCPBlendShape.cs",
    ),
    Profile(
        "vmc4b",
        "VMC4B (Blender)",
        quirks=(
            "It reads VRM 0's expressions by their exact names, and compares the place of the hips with the model's "
            "own: give the model by vrm=. Of other bones it takes rotations alone."
        ),
        source="VMC4B's applier.py, utility.py and config.py",
    ),
    Profile(
        "heva-portal",
        "HEVA Portal (Blender)",
        port=9000,
        quirks="Its port is 9000.",
        source="HEVA Portal's README (port); the rest as the specification has it",
    ),
)

PROFILES: Final = {profile.name: profile for profile in _ALL}
"""Every profile by its name, as people write it."""

DEFAULT_PROFILE: Final = PROFILES["vrm0"]
