"""The avatar service: keypoints move avatars, live or replayed, one performer or a hundred.

A frame's way through the rooms: `sink` takes a poll's frames and asks `stage` for the newest one of each performer;
`solver` and `face` turn landmarks into bones, shapes and the hips' place, for everybody at once; `smoothing` steadies
them, doubts jumps, holds and fades what is lost; `states` is what comes of it. `cast` says by roles who is shown where:
each of the `outputs` (VMC, iFacialMocap) is shown a state at a time, the `viewer` all of them. `humanoid` is what bones
and rotations are, for all rooms. `files` and `monitor` are for the command line, `mannequin` is the built-in avatar.
`run` puts it together.
"""
