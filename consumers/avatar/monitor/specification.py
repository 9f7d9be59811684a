"""The messages of the VMC protocol, specification 3.1 (protocol.vmc.info): their addresses and types."""

from typing import Final

_POSE: Final = "s" + 7 * "f"

TAGS_OF_ADDRESS: Final[dict[str, tuple[str, ...]]] = {
    "/VMC/Ext/OK": ("i", "iii", "iiii"),
    "/VMC/Ext/T": ("f",),
    "/VMC/Ext/Root/Pos": (_POSE, _POSE + 6 * "f"),
    "/VMC/Ext/Bone/Pos": (_POSE,),
    "/VMC/Ext/Blend/Val": ("sf",),
    "/VMC/Ext/Blend/Apply": ("",),
    "/VMC/Ext/Cam": (_POSE + "f",),
    "/VMC/Ext/Con": ("isiiifff",),
    "/VMC/Ext/Key": ("isi",),
    "/VMC/Ext/Midi/Note": ("iiif",),
    "/VMC/Ext/Midi/CC/Val": ("if",),
    "/VMC/Ext/Midi/CC/Bit": ("ii",),
    "/VMC/Ext/Hmd/Pos": (_POSE,),
    "/VMC/Ext/Con/Pos": (_POSE,),
    "/VMC/Ext/Tra/Pos": (_POSE,),
    "/VMC/Ext/Hmd/Pos/Local": (_POSE,),
    "/VMC/Ext/Con/Pos/Local": (_POSE,),
    "/VMC/Ext/Tra/Pos/Local": (_POSE,),
    "/VMC/Ext/Rcv": ("ii", "iis"),
    "/VMC/Ext/Light": (_POSE + 4 * "f",),
    "/VMC/Ext/VRM": ("ss", "sss"),
    "/VMC/Ext/Remote": ("ss",),
    "/VMC/Ext/Opt": ("s",),
    "/VMC/Ext/Setting/Color": ("ffff",),
    "/VMC/Ext/Setting/Win": ("iiii",),
    "/VMC/Ext/Config": ("s",),
    "/VMC/Ext/Set/Period": ("iiiiii",),
    "/VMC/Ext/Set/Eye": ("ifff",),
    "/VMC/Ext/Set/Req": ("",),
    "/VMC/Ext/Set/Res": ("s",),
    "/VMC/Ext/Set/Calib/Ready": ("",),
    "/VMC/Ext/Set/Calib/Exec": ("i",),
    "/VMC/Ext/Set/Config": ("s",),
    "/VMC/Ext/Set/Shortcut": ("s",),
}

THROUGH: Final = "/VMC/Thru/"
"""Whatever begins so is between its sender and its receiver."""
