"""Many textures of one person -> the usual one, as sharp as they are.

Landmarks are unsure by a texel or two, so a plain mean of textures is blurred: brows lose their hairs, moles fade. Each
texture is therefore moved onto the plain mean first, by optical flow (Kroeger et al. 2016, as OpenCV has it) that is
smoothed until it can bend skin but not redraw it.
"""

from __future__ import annotations

from contextlib import closing

import cv2
import numpy as np

from ..runs import cores
from ..streams import side_by_side

# of the side: as far around what is never bare nothing counts as bare; further where no trace of it is to be left
_RIM = 0.009, 0.015
_FLATTEN = 0.02  # weight of a texel that hardly any face shows: it takes after its mirror image then
# share of the faces that show a texel in which nothing covers it; see bare_share, `wholly` the second
_SELDOM, _BARE = (0.25, 0.5), (0.3, 0.7)
# a wire rim is missed in most faces, but skin hardly ever taken for one: so thin (of the side), there (rows of mesh
# space where glasses sit), and covered so seldom
_WIRE, _WIRES_SIT, _WIRE_BARE = 0.09, (0.15, 0.55), 0.93
_RIMMED = 0.2  # of the side: a frame of glasses with what moves about it, bridge and pads, is no wider
_CORNERS, _HARDLY = 0.4, 0.05  # of that width a wide thing's corners reach; less covers nothing
_ROUNDS = 150  # for something twenty texels wide
_DARKEST = 16.0  # levels of 255: of darker skin a ratio would be noise
_SKIN = 15.0  # Lab distance from the usual skin: further away it is another thing
_BELIEVED = 0.5  # of a face: seen less than this, a texel counts as bare
_LEVEL = 12.0  # texels of 256: light and shade wider than this count for nothing
_CONTRAST, _NOISE = 40.0, 6.0  # what is seen of the rest, in levels of 255, and what is only noise
_SMOOTH, _FARTHEST = 6.0, 5.0  # texels of 256


def plain_mean(total: np.ndarray, weight: np.ndarray, faces: int, known: np.ndarray | None = None) -> np.ndarray:
    """Sums of textures (S, S, 3) and of how well they were seen (S, S) -> mean texture (S, S, 3) uint8. What is missing
    and narrow takes after what is on both its sides, a side that no face turned to the camera after the other (mesh
    space is its own mirror image), and what neither side shows after what is around it.

    known (S, S) 0..1: see bare_share; None: all of what was seen."""
    enough = faces * _FLATTEN
    if known is not None:  # as little as is known counts for as little of what is enough
        counts = known * np.minimum(1, enough / np.maximum(weight, 1e-3)) ** (1 - known)
        total, weight = total * counts[..., None], weight * counts
    share = np.clip(weight / enough, 0, 1)
    own = total / np.maximum(weight, 1e-3)[..., None]
    either = weight + weight[:, ::-1]
    trust, both = np.clip(either / enough, 0, 1), (total + total[:, ::-1]) / np.maximum(either, 1e-3)[..., None]
    both = trust[..., None] * both + (1 - trust[..., None]) * _skin_around(both, trust)
    beyond, share = _under_rims(both, own, share), share[..., None]
    return np.clip(np.rint(share * own + (1 - share) * beyond), 0, 255).astype(np.uint8)


def bare_share(bare: np.ndarray, visible: np.ndarray, wholly: bool = False) -> np.ndarray:
    """How well each texel was seen with nothing before it, and how well at all, (S, S) sums over the faces -> (S, S)
    0..1: how far its bare looks are known. What is hardly ever bare is not: of frames of glasses a mask misses some
    parts in some faces. Nothing stands before what no face turned to the camera.

    wholly: what hangs together with what is hardly ever bare, and is covered now and then, is not known either: a mask
    misses some parts of a frame or a fringe in most faces. A hand that comes and goes hides nothing."""
    share = (bare + _BELIEVED) / (visible + _BELIEVED)
    known = np.clip((share - _SELDOM[0]) / (_SELDOM[1] - _SELDOM[0]), 0, 1)
    if wholly:
        _, places = cv2.connectedComponents(((share < _BARE[1]) | _wires(share)).astype(np.uint8))
        covered = np.unique(places[share < _BARE[0]])
        known = np.isin(places, covered[covered > 0], invert=True)
    reach = 2 * round(_RIM[wholly] * len(known)) + 1  # what stands there moves a little against the skin
    return cv2.blur(cv2.erode(known.astype(np.float32), np.ones((reach, reach), np.uint8)), (reach, reach))


def _wires(share: np.ndarray) -> np.ndarray:
    """Where a thin thing may lie about the eyes, by the share of faces that show each texel bare: (S, S) bool."""
    covered = (share < _WIRE_BARE).astype(np.uint8)
    rows = np.round(len(share) * np.array(_WIRES_SIT)).astype(int)
    covered[: rows[0]] = covered[rows[1] :] = 0
    widest = 2 * round(_WIRE * len(share) / 2) + 1
    wide = cv2.morphologyEx(covered, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (widest, widest)))
    return covered > wide


def _skin_around(texture: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """A texture (S, S, 3) and how far it is to be trusted (S, S) 0..1 -> where it is not, the skin that is nearest."""
    like = trust * _like_skin(texture, trust)
    return filled(texture * like[..., None], like)


def _under_rims(beyond: np.ndarray, texture: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """What a texture (S, S, 3) goes on with where it is not to be trusted (S, S), but under something as narrow as a
    frame of glasses what is on both its sides goes on: an eye's shadow, a cheek's light."""
    side = len(trust)
    blob, grown = (
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(share * _RIMMED * side / 2) + 1,) * 2)
        for share in (1, _CORNERS)
    )
    covered = (1 - trust).astype(np.float32)
    wide = cv2.dilate(cv2.morphologyEx(covered, cv2.MORPH_OPEN, blob), grown)
    narrow = (covered - wide > _HARDLY).astype(np.float32)
    if not narrow.any():
        return beyond
    reach = (2 * round(_RIMMED * side / 8) + 1,) * 2
    narrow = cv2.blur(cv2.dilate(narrow, np.ones(reach, np.uint8)), reach)[..., None]
    return beyond + narrow * (_membrane(texture, trust) - beyond)


def _membrane(texture: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """A texture (S, S, 3) as smooth as can be where it is not to be trusted (S, S), and joined to what is around it."""
    share = trust[..., None].astype(np.float32)
    fixed = share * texture
    found = filled(fixed, trust)
    for _ in range(_ROUNDS):
        found = fixed + (1 - share) * cv2.blur(found, (3, 3))
    return found


def _like_skin(texture: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """How near each texel (S, S, 3) is to the usual colour of the middle, where it is trusted (S, S), 0..1: hair beside
    a face, lips and brows are not what goes on where it is covered."""
    lab = cv2.cvtColor((texture / 255).astype(np.float32), cv2.COLOR_RGB2Lab)
    middle = (slice(len(lab) // 4, -(len(lab) // 4)),) * 2
    sure = trust[middle] > 0.5 * trust[middle].max()
    off = lab - (np.median(lab[middle][sure], axis=0) if sure.any() else 0)
    return np.exp(-(off**2).sum(axis=2) / _SKIN**2).astype(np.float32) + np.float32(1e-4)


def filled(values: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Values times their trust (S, S, 3), and that trust (S, S) 0..1 -> the values; where they are not trusted, those
    of coarser and coarser grids (push and pull: Gortler et al., "The Lumigraph", 1996)."""
    values, trust = values.astype(np.float32), trust.astype(np.float32)
    mean = values / np.maximum(trust, 1e-6)[..., None]
    side = len(values)
    if side == 1 or trust.min() >= 1:
        return mean
    half = (max(side // 2, 1),) * 2
    coarse = filled(*(cv2.resize(each, half, interpolation=cv2.INTER_AREA) for each in (values, trust)))
    coarse = cv2.resize(coarse.reshape(*half, 3), (side, side), interpolation=cv2.INTER_CUBIC)
    share = trust[..., None]
    return share * mean + (1 - share) * coarse


def completed(mean: np.ndarray, known: np.ndarray, other: np.ndarray, other_known: np.ndarray) -> np.ndarray:
    """Mean textures (S, S, 3) uint8 of two people and how far each is known (S, S) 0..1 -> the first one, with the
    other's lines where nothing is known of it: brows behind glasses or a fringe take after theirs, in its own tone.

    What is taken over is how the other differs, on both sides alike, from what would have been filled in there: a lamp
    on one cheek stays theirs."""
    theirs = other.astype(np.float32)
    plain = _under_rims(_skin_around(theirs, known), theirs, known)
    # lines are light and dark: colours would come along with a blue eye
    light, under = (cv2.cvtColor(np.clip(each, 0, 255), cv2.COLOR_RGB2GRAY) + _DARKEST for each in (theirs, plain))
    ratio = light / under
    ratio = np.sqrt(ratio * ratio[:, ::-1])[..., None]
    share = ((1 - known) * np.minimum(other_known, other_known[:, ::-1]))[..., None]
    lined = (mean + np.float32(_DARKEST)) * (1 + share * (ratio - 1)) - np.float32(_DARKEST)
    return np.clip(np.rint(lined), 0, 255).astype(np.uint8)


def sharp_mean(
    mean: np.ndarray, textures: list[np.ndarray], seen: list[np.ndarray], known: np.ndarray | None = None
) -> np.ndarray:
    """mean: the plain one of all (S, S, 3) uint8; textures: some of them, alike; seen: (S, S) float32 0..1 of each;
    known (S, S) 0..1: see bare_share.

    Returns (S, S, 3) uint8. What hardly any of these shows stays as in `mean`.
    """
    wanted = _relief(mean)

    def laid(pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """A texture moved onto the mean, times how well it is seen."""
        texture, visible = pair
        flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)  # one for each: it keeps what it works on
        flow.setFinestScale(1)  # twice a texel: smoothed anyway
        way = _smoothed(flow.calc(wanted, _relief(texture), None), visible)
        return _moved(texture, way) * visible[..., None]

    total, weight = np.zeros(mean.shape, np.float32), sum(seen, np.zeros(mean.shape[:2], np.float32))
    with closing(side_by_side(laid, zip(textures, seen, strict=True), cores())) as moved:
        for each in moved:
            total += each
    share = np.clip(weight / (max(len(textures), 1) * _FLATTEN), 0, 1)[..., None]
    if known is not None:
        share = share * known[..., None]
    aligned = total / np.maximum(weight, 1e-3)[..., None]
    return np.clip(np.rint(share * aligned + (1 - share) * mean), 0, 255).astype(np.uint8)


def _relief(texture: np.ndarray) -> np.ndarray:
    """What flow goes by: (S, S, 3) uint8 -> (S, S) uint8, brows, lids, lips and pores in one contrast, no light."""
    grey = cv2.cvtColor(texture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    wide = _LEVEL * len(texture) / 256
    grey -= cv2.GaussianBlur(grey, (0, 0), wide)
    contrast = np.sqrt(cv2.GaussianBlur(grey * grey, (0, 0), wide)) + _NOISE
    return np.clip(128 + _CONTRAST * grey / contrast, 0, 255).astype(np.uint8)


def _smoothed(way: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Flow (S, S, 2), spread from where the face is seen (S, S), and bounded."""
    unit = len(way) / 256
    weight = cv2.GaussianBlur(visible, (0, 0), _SMOOTH * unit)[..., None] + 1e-3
    spread = cv2.GaussianBlur(way * visible[..., None], (0, 0), _SMOOTH * unit) / weight
    return np.clip(spread, -_FARTHEST * unit, _FARTHEST * unit)


def _moved(texture: np.ndarray, way: np.ndarray) -> np.ndarray:
    side = np.arange(len(texture), dtype=np.float32)
    across, down = side[None] + way[..., 0], side[:, None] + way[..., 1]
    return cv2.remap(texture, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
