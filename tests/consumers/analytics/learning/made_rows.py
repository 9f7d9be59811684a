"""Labelled rows: made ones whose label is known, and the recorded ones cut as one session goes on after another."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.learning.motion import Motion
from tests.consumers.analytics.made_hands import make_hand

Floats = NDArray[np.float64]
WIDTH, HEIGHT = 1280, 720
FRAMES = 16


@dataclass(frozen=True)
class Rows:
    labels: list[str]
    values: Floats


def make_hands(shapes: Sequence[str], count: int, seed: int) -> Rows:
    """`count` hands of each shape, (N, 42), turned and tilted at random, left and right."""
    random = np.random.default_rng(seed)
    labels = [shape for shape in shapes for _ in range(count)]
    hands = [
        make_hand(
            shape,
            turned_deg=float(random.uniform(-180.0, 180.0)),
            tilted_deg=float(random.uniform(-30.0, 30.0)),
            side=str(random.choice(["left", "right"])),
            width=WIDTH,
            height=HEIGHT,
        )
        for shape in labels
    ]
    points = np.array(hands, dtype=np.float64)[..., :2] * (WIDTH, HEIGHT)
    points -= points[:, :1]
    points /= np.abs(points).max(axis=(1, 2), keepdims=True)
    points += random.normal(scale=0.01, size=points.shape)
    return Rows(labels, (points - points[:, :1]).reshape(-1, 2 * points.shape[1]))


def make_windows(
    count: int,
    seed: int,
    *,
    radius: tuple[float, float] = (0.06, 0.1),
    turn_deg: tuple[float, float] = (20.0, 28.0),
    missed: int = 0,
) -> Rows:
    """`count` windows of each motion, (N, 32): circles of a radius in image heights, so many degrees a frame.

    Moves are straight and go as fast as the circles. In `missed` frames of each window the hand is not seen.
    """
    random = np.random.default_rng(seed)
    labels, windows = [], []
    for motion in Motion:
        for _ in range(count):
            labels.append(motion.value)
            windows.append(_make_window(motion, random.uniform(*radius), random.uniform(*turn_deg), missed, random))
    return Rows(labels, np.array(windows).reshape(-1, 2 * FRAMES))


def _make_window(motion: Motion, radius: float, turn_deg: float, missed: int, random: np.random.Generator) -> Floats:
    time = np.arange(FRAMES)
    turned = np.radians(turn_deg) * time + random.uniform(0.0, 2 * np.pi)
    if motion is Motion.MOVE:
        way = radius * np.radians(turn_deg) * (time - time.mean())
        direction = random.uniform(0.0, 2 * np.pi)
        path = np.column_stack([way * np.cos(direction), way * np.sin(direction)])
    elif motion is Motion.STOP:
        path = np.zeros((FRAMES, 2))
    else:
        # y goes down: clockwise is from x to y.
        signed = turned if motion is Motion.CLOCKWISE else -turned
        path = radius * np.column_stack([np.cos(signed), np.sin(signed)])
    seen = path * (HEIGHT / WIDTH, 1.0) + (0.5, 0.5) + random.normal(scale=0.001, size=path.shape)
    # A frame without a hand is written as the image's origin.
    seen[random.choice(FRAMES, missed, replace=False)] = 0.0
    window: Floats = seen - seen[0]
    return window


def write_rows(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows(
            [label, *map(repr, map(float, row))] for label, row in zip(rows.labels, rows.values, strict=True)
        )
    return path


def cut_blocks(labels: Sequence[str], blocks: int) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """(train, test) masks: each contiguous part of every class's rows is left out once, as a session not met yet."""
    names = np.asarray(labels)
    block = np.empty(len(names), np.int64)
    for name in set(labels):
        rows = np.flatnonzero(names == name)
        block[rows] = np.arange(len(rows)) * blocks // len(rows)
    for left_out in range(blocks):
        yield block != left_out, block == left_out


def pick(labels: Sequence[str], mask: NDArray[np.bool_]) -> list[str]:
    return [label for label, wanted in zip(labels, mask, strict=True) if wanted]
