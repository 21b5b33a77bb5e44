"""The rim beyond the mesh's outline takes after what is known beside it."""

import numpy as np

from semblance.faceset.textures import past_outline

S = 128


def test_a_fringe_that_hangs_over_the_forehead_comes_down_over_the_rim():
    known = np.ones((S, S), np.float32)
    known[int(0.1 * S) : int(0.25 * S)] = 0  # what is told within the outline; at the outline itself nothing is
    made = past_outline(known)
    assert made[2, S // 2] < 0.01 and made[int(0.18 * S), S // 2] < 0.01
    assert made[S // 2, S // 2] > 0.99 and made[int(0.7 * S), 2] > 0.99 and made[-3, S // 2] > 0.99


def test_a_face_that_is_bare_has_a_bare_rim():
    assert past_outline(np.ones((S, S), np.float32)).min() > 0.999


def test_glasses_amid_the_face_leave_the_rim_alone():
    known = np.ones((S, S), np.float32)
    known[int(0.42 * S) : int(0.48 * S), int(0.35 * S) : int(0.65 * S)] = 0
    made = past_outline(known)
    assert made[int(0.45 * S), S // 2] < 0.01 and made[:10].min() > 0.99 and made[:, :6].min() > 0.99
