"""Every measure's name, unit and direction, and where good and fair end. THE table of thresholds, each with its reason.

Where no standard exists the numbers are starting points, to be read beside the noise floor: what the plate scores
against itself, encoded once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Better = Literal["lower", "higher", "near 1", "near 0"]


@dataclass(frozen=True, slots=True)
class Metric:
    """good, fair: bounds of the value, inclusive; for "near 1" a pair, for "near 0" the largest absolute value."""

    unit: str
    better: Better
    good: float | tuple[float, float]
    fair: float | tuple[float, float]
    digits: int
    why: str


_REGION = "held against the error in % of the eyes' distance: 8 % is the usual bound of a failed fit, 4 % half of it"

METRICS = {
    "identity to source": Metric("distance", "lower", 0.5, 0.6, 3, "dlib's network: the same person under 0.6"),
    "identity to target": Metric("distance", "higher", 0.6, 0.5, 3, "dlib's network: another person over 0.6"),
    "nearer to source": Metric("% of frames", "higher", 99, 90, 1, "one frame in a hundred shows; one in ten is seen"),
    "pose error": Metric(
        "degrees", "lower", 2, 4, 2, "the finder's own noise is 0.1; four degrees turn the nose by a nostril's width"
    ),
    "mouth correlation": Metric("", "higher", 0.9, 0.75, 3, "a plate against its re-encoded self reaches 0.99"),
    "mouth error": Metric("% of face height", "lower", 1.0, 2.0, 2, "speech opens a mouth by 3 to 8 %"),
    "eye correlation": Metric("", "higher", 0.8, 0.6, 3, "lids are a tenth of the mouth: noisier by nature"),
    "eye error": Metric("% of face height", "lower", 0.4, 0.8, 2, "a blink is 2 to 4 %"),
    "expression correlation": Metric("", "higher", 0.8, 0.6, 3, "all brow, eye, mouth and jaw points together"),
    "expression error": Metric("% of face height", "lower", 0.7, 1.4, 2, "a smile moves the mouth's corners by 5 %"),
    "flicker": Metric("x plate", "near 1", (0.8, 1.25), (0.6, 1.6), 2, "under 0.6 the face is smeared over time"),
    "brightness flicker": Metric("levels of 255", "lower", 0.5, 1.0, 2, "one level alternating is seen on a flat face"),
    "landmark jitter": Metric("x plate", "lower", 1.25, 1.5, 2, "over 1.5 times the plate's own is visible"),
    "sharpness": Metric("x plate", "near 1", (0.7, 1.3), (0.5, 1.5), 2, "under 0.5 plainly soft, over 1.5 oversharp"),
    "seam": Metric("dE", "lower", 2.3, 5.0, 2, "2.3 is the least difference noticed, 5 is obvious (dE 1976)"),
    "seam, worst part": Metric("dE", "lower", 5.0, 9.0, 2, "a tenth of the edge: the eye finds the worst place"),
    "edge step": Metric(
        "x plate", "near 1", (0.6, 1.2), (0.4, 1.6), 2, "colours change across a face's edge by nature"
    ),
    "double edges": Metric("% of places", "lower", 5, 15, 1, "one place in twenty may be chance"),
    "background": Metric("dB", "higher", 38, 32, 1, "a visually lossless encode keeps 40; 32 shows on flat areas"),
    "sound offset": Metric("ms", "near 0", 20, 45, 1, "ITU-R BT.1359: sound 45 ms early is noticed"),
    "true PSNR": Metric("dB", "higher", 30, 25, 1, "over 30 a face looks alike at a glance"),
    "true SSIM": Metric("", "higher", 0.9, 0.8, 3, "Celeb-DF 2020 reports 0.92 for its own swaps, 0.81 for earlier"),
    "true MS-SSIM": Metric("", "higher", 0.95, 0.88, 3, "runs higher than SSIM: coarse scales agree sooner"),
    **{
        f"landmark error{part}": Metric("px", "lower", 4.0, 8.0, 2, _REGION)
        for part in ("", ", jaw", ", brows", ", eyes", ", nose", ", mouth")
    },
}


def grade(name: str, value: float) -> str:
    """What a value is worth: "good", "fair" or "poor"; "-" where there is none."""
    if np.isnan(value):
        return "-"
    metric = METRICS[name]
    for word, bound in (("good", metric.good), ("fair", metric.fair)):
        if metric.better == "near 1":
            within = bound[0] <= value <= bound[1]
        elif metric.better == "higher":
            within = value >= bound
        else:
            within = abs(value) <= bound if metric.better == "near 0" else value <= bound
        if within:
            return word
    return "poor"
