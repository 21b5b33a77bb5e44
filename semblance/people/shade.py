"""What a pixel of a head looks like: skin, lips, teeth, eyes, hair and cloth under a lamp, its shadow and the sky.

Skin: diffuse light that wraps around the terminator, red furthest (the look of light under the skin, after Green 2004,
"Real-time approximations to subsurface scattering"), and two glossy lobes with Schlick's Fresnel term (1994). Hair:
Kajiya and Kay 1989. Linear RGB throughout; nothing here is random. Vectors and colours are tuples of three numbers:
the compiler keeps them in registers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from .body import BACK, EYE, FACE, GLASSES, GUMS, HAIR, OCCLUDER, TEETH

_jit = njit(cache=True, nogil=True, fastmath=True, boundscheck=False)
# written into their caller: a call would count references of every array it is given, for each pixel
_inline = njit(nogil=True, fastmath=True, boundscheck=False, inline="always")


class Surface(NamedTuple):
    """The mesh of one frame, in the world. V vertices, T triangles, all float32 but triangles (int32) and material."""

    triangles: np.ndarray  # (T, 3)
    material: np.ndarray  # (T,) uint8
    vertices: np.ndarray  # (V, 3)
    normals: np.ndarray  # (V, 3)
    uv: np.ndarray  # (V, 2)
    colour: np.ndarray  # (V, 3) linear RGB of what has no texture: BACK, HAIR, CLOTHES, OCCLUDER, GLASSES
    tangent: np.ndarray  # (V, 3) which way hairs and threads run
    sky: np.ndarray  # (V,) 0..1, how much of the sky a place sees


class Paint(NamedTuple):
    """What the body's own textures hold."""

    skin: np.ndarray  # (S, S, 3) uint8: square roots of linear albedo, times 255
    extra: np.ndarray  # (S, S, 3) uint8: gloss, wetness, region code
    gums: np.ndarray  # (3,) linear RGB
    iris: np.ndarray  # (P, A, 3) linear RGB by radius and angle
    strands: np.ndarray  # (S, S) uint8: light and dark of single hairs
    # (2, 20), either eye: centre 3, gaze axes 9 (x, y, z), radius cm, iris radius (radians), pupil (share of the iris),
    # the head's up 3, lower and upper lid (cm along up from the centre)
    eyes: np.ndarray


class Light(NamedTuple):
    """Lamps and what the key lamp sees."""

    lamps: np.ndarray  # (4, 6): direction towards key, fill, rim and its colour; then sky, ground
    depth: np.ndarray  # (D, D) the key lamp's depth picture
    # (4, 4): world -> its pixels and nearness in three rows, then the spread of its shadow in pixels and the bias in cm
    seen_from: np.ndarray
    camera: np.ndarray  # (3,) where the camera stands


@_jit
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@_jit
def _unit(a):
    r = 1 / np.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2] + 1e-12)
    return a[0] * r, a[1] * r, a[2] * r


@_jit
def _plus(a, b, share):
    """a + share * b."""
    return a[0] + share * b[0], a[1] + share * b[1], a[2] + share * b[2]


@_jit
def _times(a, b):
    return a[0] * b[0], a[1] * b[1], a[2] * b[2]


@_jit
def _held(value, low, high):
    return min(max(value, low), high)


@_jit
def _within(values, corners, w):
    """The mix (3,) of three rows of values (N, 3)."""
    a, b, c = corners
    return (
        w[0] * values[a, 0] + w[1] * values[b, 0] + w[2] * values[c, 0],
        w[0] * values[a, 1] + w[1] * values[b, 1] + w[2] * values[c, 1],
        w[0] * values[a, 2] + w[1] * values[b, 2] + w[2] * values[c, 2],
    )


@_jit
def _lit(depth, x, y, near, spread):
    """Share 0..1 of a point that the lamp reaches: nine looks into its depth picture, bilinear at their corners."""
    size = depth.shape[0]
    total = 0.0
    for i in range(-1, 2):
        for j in range(-1, 2):
            px, py = x + spread * j, y + spread * i
            ix, iy = int(np.floor(px)), int(np.floor(py))
            if ix < 0 or iy < 0 or ix >= size - 1 or iy >= size - 1:
                total += 1.0
                continue
            fx, fy = px - ix, py - iy
            top = (1 - fx) * (depth[iy, ix] <= near) + fx * (depth[iy, ix + 1] <= near)
            low = (1 - fx) * (depth[iy + 1, ix] <= near) + fx * (depth[iy + 1, ix + 1] <= near)
            total += (1 - fy) * top + fy * low
    return total / 9


@_jit
def _gloss(ndh, power):
    return ndh**power * (power + 8) * 0.0398  # (n + 8) / 8 pi: bright when narrow, dim when wide


@_jit
def _mix(texture, i, j, c, w):
    """Channel c of four neighbours; slices of arrays would cost a reference count each."""
    return (
        w[0] * texture[i, j, c]
        + w[1] * texture[i, j + 1, c]
        + w[2] * texture[i + 1, j, c]
        + w[3] * texture[i + 1, j + 1, c]
    )


@_jit
def _row(matrix, i, point):
    """Row i of a matrix of which the first three columns meet a point."""
    return matrix[i, 0] * point[0] + matrix[i, 1] * point[1] + matrix[i, 2] * point[2]


@_jit
def _texel(texture, u, v):
    """Bilinear look at a (S, S, 3) uint8 texture: three numbers 0..255."""
    size = texture.shape[0]
    x, y = _held(u * size - 0.5, 0.0, size - 1.001), _held(v * size - 0.5, 0.0, size - 1.001)
    i, j = int(y), int(x)
    fx, fy = x - j, y - i
    w = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
    return _mix(texture, i, j, 0, w), _mix(texture, i, j, 1, w), _mix(texture, i, j, 2, w)


@_inline
def _face(paint, u, v):
    """Albedo, gloss, wetness, region of skin."""
    root, extra = _texel(paint.skin, u, v), _texel(paint.extra, u, v)
    albedo = root[0] * root[0] / 65025, root[1] * root[1] / 65025, root[2] * root[2] / 65025
    size = paint.extra.shape[0]
    code = paint.extra[min(int(v * size), size - 1), min(int(u * size), size - 1), 2]
    return albedo, extra[0] / 255, extra[1] / 255, int(code)


@_inline
def _eye(paint, place):
    """Albedo and normal of an eyeball, and how much the lids shade it."""
    eyes, iris = paint.eyes, paint.iris
    eye = eyes[0] if place[0] < 0.5 * (eyes[0, 0] + eyes[1, 0]) else eyes[1]
    away = place[0] - eye[0], place[1] - eye[1], place[2] - eye[2]
    d = _unit(away)
    ex, ey, ez = _dot(eye[3:6], d), _dot(eye[6:9], d), _dot(eye[9:12], d)
    angle = np.arccos(_held(ez, -1.0, 1.0))
    share = angle / eye[13]
    tint = _held((angle - 0.5) * 0.9, 0.0, 0.5)  # the white is not white, and redder towards the corners
    albedo = 0.50 - 0.08 * tint, 0.45 - 0.24 * tint, 0.42 - 0.24 * tint
    if share < 1.12:
        turn = (np.arctan2(ey, ex) / (2 * np.pi) + 1) % 1
        i = min(int(share * iris.shape[0] / 1.12), iris.shape[0] - 1)
        j = int(turn * iris.shape[1]) % iris.shape[1]
        edge = _held((1.12 - share) / 0.16, 0.0, 1.0)
        edge = edge * edge * (3 - 2 * edge)
        inside = _held((share - eye[14]) / 0.06, 0.0, 1.0)
        albedo = (
            albedo[0] + edge * (iris[i, j, 0] * inside - albedo[0]),
            albedo[1] + edge * (iris[i, j, 1] * inside - albedo[1]),
            albedo[2] + edge * (iris[i, j, 2] * inside - albedo[2]),
        )
    high = _dot(away, eye[15:18])
    under, over = _held((eye[19] - high) / 0.42, 0.0, 1.0), _held((high - eye[18]) / 0.25, 0.0, 1.0)
    return albedo, d, (0.35 + 0.65 * under) * (0.7 + 0.3 * over)


@_inline
def _worn(kind, colour, strands, u, v):
    """Albedo, gloss, wrap, region of what has a colour of its own."""
    if kind == BACK:
        return colour, 0.25, 1.0, 1
    if kind == GLASSES:
        return colour, 1.0, 0.0, 7
    if kind == OCCLUDER:
        return colour, 0.3, 0.6, 7
    size = strands.shape[0]
    mark = strands[int(v * size) % size, int(u * size) % size] / 255.0
    mark = 0.45 + 1.1 * mark if kind == HAIR else 0.8 + 0.4 * mark
    return (colour[0] * mark, colour[1] * mark, colour[2] * mark), 0.0, 0.0, 2 if kind == HAIR else 6


@_inline
def _reach(light, k, kind, place, sky):
    """Share 0..1 of lamp k's light that comes to a place. Only the key lamp throws shadows of its own."""
    inner = GUMS <= kind <= TEETH
    if k > 0:
        return sky if inner else 0.35 + 0.65 * sky
    view = light.seen_from
    x, y, near = _row(view, 0, place) + view[0, 3], _row(view, 1, place) + view[1, 3], _row(view, 2, place) + view[2, 3]
    reach = _lit(light.depth, x, y, near + (2.5 if inner else 1.0) * view[3, 1], view[3, 0])
    return reach * min(1.0, 0.1 + 1.3 * sky) if inner else reach


@_jit
def _hair(albedo, along, normal, lamp, eye, reach):
    """Light of one lamp (white, of strength 1) off a hair that runs `along`."""
    straight = _dot(normal, lamp)
    along_lamp = _dot(along, lamp)
    side = np.sqrt(max(1 - along_lamp * along_lamp, 0.0)) * _held(straight * 0.7 + 0.45, 0.0, 1.0) * reach
    along_half = _dot(along, _unit(_plus(lamp, eye, 1.0)))
    shine = np.sqrt(max(1 - along_half * along_half, 0.0)) ** 60 * _held(straight + 0.2, 0.0, 1.0) * reach
    return (
        albedo[0] * side + (0.06 + 0.5 * albedo[0]) * shine,
        albedo[1] * side + (0.06 + 0.5 * albedo[1]) * shine,
        albedo[2] * side + (0.06 + 0.5 * albedo[2]) * shine,
    )


@_jit
def _matter(kind, albedo, gloss, wet, wrap, normal, lamp, eye, reach, sky):
    """Light of one lamp (white, of strength 1) off anything but hair."""
    straight = _dot(normal, lamp)
    wraps = 0.32 * wrap, 0.13 * wrap, 0.07 * wrap
    out = (
        albedo[0]
        * max((straight + wraps[0]) / (1 + wraps[0]), 0.0)
        * reach ** (1 - 0.35 * wrap),  # shadows' edges redden
        albedo[1] * max((straight + wraps[1]) / (1 + wraps[1]), 0.0) * reach,
        albedo[2] * max((straight + wraps[2]) / (1 + wraps[2]), 0.0) * reach,
    )
    if straight <= 0 or gloss <= 0:
        return out
    half = _unit(_plus(lamp, eye, 1.0))
    ndh, vdh = max(_dot(normal, half), 0.0), max(_dot(eye, half), 0.0)
    lobes = 0.7 * _gloss(ndh, 14.0) + 0.5 * _gloss(ndh, 48.0) + wet * 1.2 * _gloss(ndh, 110.0)
    if kind == EYE:
        lobes = 9.0 * _gloss(ndh, 900.0)
        reach = max(reach, 0.25)
    elif kind == TEETH:
        lobes = 1.2 * _gloss(ndh, 90.0) * sky
    shine = gloss * (0.03 + 0.97 * (1 - vdh) ** 5) * lobes * straight * reach
    return out[0] + shine, out[1] + shine, out[2] + shine


@_inline
def _around(kind, albedo, gloss, wrap, normal, eye, lamps, sky):
    """Light of sky and ground, and the sky mirrored at grazing angles."""
    up = 0.5 + 0.5 * normal[1]
    fold = 1 + 0.35 * (1 - sky) if kind <= BACK else 1.0  # what bounces within a fold of skin comes out red
    graze = 0.25 * gloss * (1 - max(_dot(normal, eye), 0.0)) ** 4 * sky if wrap > 0 else 0.0
    return (
        albedo[0] * sky * (up * lamps[3, 0] + (1 - up) * lamps[3, 3]) * fold + graze * lamps[3, 0],
        albedo[1] * sky * (up * lamps[3, 1] + (1 - up) * lamps[3, 4]) + graze * lamps[3, 1],
        albedo[2] * sky * (up * lamps[3, 2] + (1 - up) * lamps[3, 5]) + graze * lamps[3, 2],
    )


@_inline
def _pixel(surface, paint, light, t, w):
    """Linear RGB and region of a point of triangle t."""
    corners = surface.triangles[t, 0], surface.triangles[t, 1], surface.triangles[t, 2]
    a, b, c = corners
    kind = surface.material[t]
    place = _within(surface.vertices, corners, w)
    normal = _unit(_within(surface.normals, corners, w))
    u = w[0] * surface.uv[a, 0] + w[1] * surface.uv[b, 0] + w[2] * surface.uv[c, 0]
    v = w[0] * surface.uv[a, 1] + w[1] * surface.uv[b, 1] + w[2] * surface.uv[c, 1]
    sky = w[0] * surface.sky[a] + w[1] * surface.sky[b] + w[2] * surface.sky[c]
    eye = _unit((light.camera[0] - place[0], light.camera[1] - place[1], light.camera[2] - place[2]))
    if kind >= HAIR and _dot(normal, eye) < 0:  # thin things are lit from either side
        normal = -normal[0], -normal[1], -normal[2]

    wet = 0.0
    if kind == FACE:
        albedo, gloss, wet, code = _face(paint, u, v)
        wrap = 1.0
    elif kind == GUMS:
        albedo, gloss, wrap, code = (paint.gums[0] * 1.0, paint.gums[1] * 1.0, paint.gums[2] * 1.0), 0.6, 0.6, 4
    elif kind == TEETH:
        albedo, gloss, wrap, code = (0.62, 0.56, 0.46), 0.8, 0.5, 4
    elif kind == EYE:
        albedo, normal, shaded = _eye(paint, place)
        sky *= shaded
        gloss, wrap, code = 0.25, 0.5, 3
    else:
        albedo, gloss, wrap, code = _worn(kind, _within(surface.colour, corners, w), paint.strands, u, v)

    along = _unit(_within(surface.tangent, corners, w)) if kind == HAIR else normal
    out = _around(kind, albedo, gloss, wrap, normal, eye, light.lamps, sky)
    for k in range(3):
        lamps = light.lamps
        lamp = lamps[k, 0], lamps[k, 1], lamps[k, 2]
        reach = _reach(light, k, kind, place, sky)
        if kind == HAIR:
            one = _hair(albedo, along, normal, lamp, eye, reach)
        else:
            one = _matter(kind, albedo, gloss, wet, wrap, normal, lamp, eye, reach, sky)
        out = out[0] + one[0] * lamps[k, 3], out[1] + one[1] * lamps[k, 4], out[2] + one[2] * lamps[k, 5]
    return out, code


@_jit
def shade(seen, weights, surface, paint, light, picture, region):
    """Colour every pixel of a raster (see raster.raster): picture (H, W, 3) float32 linear RGB and region (H, W) uint8
    are written where something is seen."""
    height, width = seen.shape
    for y in range(height):
        for x in range(width):
            t = seen[y, x]
            if t >= 0:
                w1, w2 = weights[y, x, 0], weights[y, x, 1]
                colour, code = _pixel(surface, paint, light, t, (1 - w1 - w2, w1, w2))
                picture[y, x, 0], picture[y, x, 1], picture[y, x, 2] = colour
                region[y, x] = code
