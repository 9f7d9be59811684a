"""Avatars driven from the log: newest frame → bones and expressions → smoothing → VMC packets over UDP.

A frame's way through the files: `sink` takes the newest frame of each performer, `solver` turns landmarks into bone
rotations and blendshapes (`torso`, `limbs`, `hands`, `head`, `expressions`), `motion` smooths them, holds what is lost
and lets it fade to rest, `stage` says who drives the targets, `vmc` writes the packets and `sender` sends them.
"""
