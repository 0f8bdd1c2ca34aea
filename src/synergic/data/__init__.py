# SPDX-License-Identifier: BSD-3-Clause
"""Data: values as spikes, data sets, and inputs that are damaged on purpose."""

from synergic.data._corruptions import (
    add_events,
    crop,
    damage,
    drop_events,
    gaussian,
    mask_region,
    pepper,
    salt,
    salt_and_pepper,
    speckle,
)
from synergic.data._digits import digits, rate_encode
from synergic.data._encodings import Code, Latency, Rank, Rate, Value
from synergic.data._images import Images, load_images
from synergic.data._recordings import SENSOR, Recordings, frames, load_recordings

__all__ = [
    "SENSOR",
    "Code",
    "Images",
    "Latency",
    "Rank",
    "Rate",
    "Recordings",
    "Value",
    "add_events",
    "crop",
    "damage",
    "digits",
    "drop_events",
    "frames",
    "gaussian",
    "load_images",
    "load_recordings",
    "mask_region",
    "pepper",
    "rate_encode",
    "salt",
    "salt_and_pepper",
    "speckle",
]
