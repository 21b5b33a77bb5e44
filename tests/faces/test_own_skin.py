"""What of a texture is the face's own: turned cheeks, hands and background are not, what features do is."""

import cv2
import numpy as np

from semblance.faces.mean_face import mean_face
from semblance.faces.mesh_space import with_rim
from semblance.faces.own_skin import alike, features, own_share, with_usual
from semblance.faces.pose import rotation_of
from semblance.faces.wrap import facing, seen

S = 128
SKIN, WALL = np.uint8([200, 150, 120]), np.uint8([90, 160, 150])


def face(colour=SKIN):
    noise = np.random.default_rng(0).normal(0, 3, (S, S, 1))
    return np.clip(np.float32(colour) + noise, 0, 255).astype(np.uint8)


def visible(yaw=0.0):
    return seen(with_rim((mean_face() @ rotation_of(yaw, 0, 0).T * 90).astype(np.float32)), 64)


def test_the_usual_face_is_its_own_in_any_light_and_whatever_its_features_do():
    dim = np.clip(0.6 * face().astype(np.float32) + 5, 0, 255).astype(np.uint8)
    dim[int(0.72 * S) : int(0.8 * S), int(0.42 * S) : int(0.58 * S)] = (30, 10, 10)  # an open mouth
    for texture in (face(), dim):
        assert alike(texture, face()).min() > 0.9


def test_background_beyond_a_cheek_is_not_but_a_shaded_cheek_is():
    wall, shaded = face(), face()
    wall[70:100, 112:] = WALL
    shaded[:, 90:] = shaded[:, 90:] * 0.85
    near = np.zeros((64, 64), bool)
    near[37:48, 58:] = True
    found = alike(wall, face())
    assert found[near].max() < 0.1 and found[:, :48].min() > 0.9
    assert alike(shaded, face()).min() > 0.8


def test_what_turns_away_or_is_covered_takes_after_the_usual_face():
    hand = np.ones((S, S), np.float32)
    hand[80:, :60] = 0
    turned = visible(40)
    share = own_share(face((120, 60, 40)), face((120, 60, 40)), turned, hand)
    away = cv2.resize(facing(turned), (S, S), interpolation=cv2.INTER_LINEAR)
    assert share.dtype == np.float32 and share[90:, :50].max() == 0
    assert np.abs(share - away * hand).max() < 1e-6
    assert 0.02 < (away[30:110, 20:108] < 0.1).mean() < 0.5  # the far cheek
    mixed = with_usual(face(WALL), face(), share)
    assert np.array_equal(mixed[share == 0], face()[share == 0])
    assert np.array_equal(mixed[share == 1], face(WALL)[share == 1])


def test_shut_eyes_and_mouths_are_skin_that_faces_the_camera():
    shut = mean_face().copy()
    shut[[13, 14]] = shut[[13, 14]].mean(0)
    away = facing(seen(with_rim((shut * 90).astype(np.float32)), 64))
    assert away[features(64) > 0.9].min() > 0.3 and np.median(away[features(64) > 0.9]) == 1
