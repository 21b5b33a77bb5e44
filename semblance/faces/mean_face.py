"""The mean face: 478 mesh points in space, in face units, looking straight at the camera.

Convention:
    - one face unit = the distance between the outer ends of the brows; about 12 cm on a grown person
    - x to the picture's right, y down, z away from the camera; origin between the brows' top and the lower lip
    - measured by scripts/measure_mean_face.py over several people and made symmetric
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

# Points that speech and blinking hardly move: brows, eye corners, nose bridge and base, and the upper lip's middle.
# The jaw is left out, as the classic alignment leaves it out: an opening mouth must not shrink the face.
ALIGN_POINTS = np.array(
    [
        *(70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285),  # brows
        *(33, 133, 263, 362),  # eye corners
        *(168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 64, 294, 129, 358),  # nose
        *(61, 291, 0),  # mouth corners, middle of the upper lip
    ]
)


@lru_cache(maxsize=1)
def mean_face() -> np.ndarray:
    """(478, 3) float64 in face units."""
    return np.load(Path(__file__).with_name("mean_face.npy")).astype(np.float64)


def unit_points(indices: np.ndarray) -> np.ndarray:
    """x, y of some points of the mean face, (N, 2)."""
    return mean_face()[indices, :2]
