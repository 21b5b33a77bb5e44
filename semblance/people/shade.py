"""What a pixel of a head looks like: skin, lips, teeth, eyes, hair and cloth under a lamp, its shadow and the sky.

Skin: diffuse light that wraps around the terminator, red furthest (the look of light under the skin, after Green 2004,
"Real-time approximations to subsurface scattering"), and two glossy lobes with Schlick's Fresnel term (1994). Hair:
Kajiya and Kay 1989. Linear RGB throughout; nothing here is random.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .body import BACK, CLOTHES, EYE, FACE, GLASSES, GUMS, HAIR, OCCLUDER, TEETH

_jit = njit(cache=True, nogil=True, fastmath=True, boundscheck=False)


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
def _texel(texture, u, v, c):
    """Bilinear look at channel c of a (S, S, C) uint8 texture, 0..255."""
    size = texture.shape[0]
    x, y = min(max(u * size - 0.5, 0.0), size - 1.001), min(max(v * size - 0.5, 0.0), size - 1.001)
    i, j = int(y), int(x)
    fx, fy = x - j, y - i
    top = (1 - fx) * texture[i, j, c] + fx * texture[i, j + 1, c]
    low = (1 - fx) * texture[i + 1, j, c] + fx * texture[i + 1, j + 1, c]
    return (1 - fy) * top + fy * low


@_jit
def shade(
    seen, weights, triangles, material, vertices, normals, uv, colour, tangent, open_sky,
    eye, lamps, depth, lamp_view, camera, skin, skin_extra, gums, iris, strands, picture, region,
):  # fmt: skip
    """Colour every pixel of a raster.

    seen, weights           : see raster.raster, (H, W), (H, W, 2)
    triangles, material     : (T, 3) int32, (T,) uint8
    vertices, normals, uv   : (V, 3), (V, 3), (V, 2) float32, in the world
    colour                  : (V, 3) linear RGB of what has no texture (BACK, HAIR, CLOTHES, OCCLUDER, GLASSES)
    tangent                 : (V, 3) direction of hairs and threads
    open_sky                : (V,) 0..1, how much of the sky a place sees
    eye                     : (2, 20): centre 3, gaze's axes 9 (x, y, z), radius cm, iris radius (radians), pupil (share
                              of the iris), head's up 3, lower and upper lid (cm along up from the centre)
    lamps                   : (4, 6) direction towards it and linear colour: key, fill, rim, then (sky, ground) colours
    depth, lamp_view        : (D, D) the key lamp's depth picture; (4, 4): world -> its pixels and nearness in three rows,
                              then the spread of its shadow in pixels and the bias in cm
    camera                  : (3,) where the camera stands
    skin                    : (S, S, 3) uint8, square roots of linear albedo times 255
    skin_extra              : (S, S, 3) uint8: gloss, lips, region code
    gums                    : (3,) linear colour; iris (P, A, 3) linear colours by radius and angle
    strands                 : (S, S) uint8 light and dark of single hairs
    picture, region         : (H, W, 3) float32 and (H, W) uint8, written where something is seen
    """
    height, width = seen.shape
    for y in range(height):
        for x in range(width):
            t = seen[y, x]
            if t < 0:
                continue
            w1, w2 = weights[y, x]
            w0 = 1 - w1 - w2
            a, b, c = triangles[t]
            px = w0 * vertices[a, 0] + w1 * vertices[b, 0] + w2 * vertices[c, 0]
            py = w0 * vertices[a, 1] + w1 * vertices[b, 1] + w2 * vertices[c, 1]
            pz = w0 * vertices[a, 2] + w1 * vertices[b, 2] + w2 * vertices[c, 2]
            nx = w0 * normals[a, 0] + w1 * normals[b, 0] + w2 * normals[c, 0]
            ny = w0 * normals[a, 1] + w1 * normals[b, 1] + w2 * normals[c, 1]
            nz = w0 * normals[a, 2] + w1 * normals[b, 2] + w2 * normals[c, 2]
            u = w0 * uv[a, 0] + w1 * uv[b, 0] + w2 * uv[c, 0]
            v = w0 * uv[a, 1] + w1 * uv[b, 1] + w2 * uv[c, 1]
            sky = w0 * open_sky[a] + w1 * open_sky[b] + w2 * open_sky[c]
            kind = material[t]

            vx, vy, vz = camera[0] - px, camera[1] - py, camera[2] - pz
            r = 1 / np.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx * r, vy * r, vz * r
            r = 1 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-12)
            nx, ny, nz = nx * r, ny * r, nz * r
            if nx * vx + ny * vy + nz * vz < 0 and kind >= HAIR:  # thin things are lit from either side
                nx, ny, nz = -nx, -ny, -nz

            red, green, blue, gloss, wet, wrap = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            code = 1
            if kind == FACE:
                red, green, blue = _texel(skin, u, v, 0), _texel(skin, u, v, 1), _texel(skin, u, v, 2)
                red, green, blue = red * red / 65025, green * green / 65025, blue * blue / 65025
                gloss = _texel(skin_extra, u, v, 0) / 255
                wet = _texel(skin_extra, u, v, 1) / 255
                size = skin_extra.shape[0]
                code = skin_extra[min(int(v * size), size - 1), min(int(u * size), size - 1), 2]
                wrap = 1.0
            elif kind == GUMS:
                red, green, blue, gloss, wrap, code = gums[0], gums[1], gums[2], 0.6, 0.6, 4
            elif kind == TEETH:
                red, green, blue, gloss, wrap, code = 0.62, 0.56, 0.46, 0.8, 0.5, 4
            elif kind == EYE:
                k = 0 if px < 0.5 * (eye[0, 0] + eye[1, 0]) else 1
                dx, dy, dz = px - eye[k, 0], py - eye[k, 1], pz - eye[k, 2]
                r = 1 / np.sqrt(dx * dx + dy * dy + dz * dz)
                dx, dy, dz = dx * r, dy * r, dz * r
                ex = eye[k, 3] * dx + eye[k, 4] * dy + eye[k, 5] * dz
                ey = eye[k, 6] * dx + eye[k, 7] * dy + eye[k, 8] * dz
                ez = eye[k, 9] * dx + eye[k, 10] * dy + eye[k, 11] * dz
                angle = np.arccos(min(max(ez, -1.0), 1.0))
                share = angle / eye[k, 13]
                code = 3
                # sclera: not white, redder towards the corners
                tint = min(max((angle - 0.5) * 0.9, 0.0), 0.5)
                red, green, blue = 0.50 - 0.08 * tint, 0.45 - 0.24 * tint, 0.42 - 0.24 * tint
                if share < 1.12:
                    turn = (np.arctan2(ey, ex) / (2 * np.pi) + 1) % 1
                    i = min(int(share * iris.shape[0] / 1.12), iris.shape[0] - 1)
                    j = int(turn * iris.shape[1]) % iris.shape[1]
                    edge = min(max((1.12 - share) / 0.16, 0.0), 1.0)
                    edge = edge * edge * (3 - 2 * edge)
                    inside = min(max((share - eye[k, 14]) / 0.06, 0.0), 1.0)
                    red = red + edge * (iris[i, j, 0] * inside - red)
                    green = green + edge * (iris[i, j, 1] * inside - green)
                    blue = blue + edge * (iris[i, j, 2] * inside - blue)
                # the lids shade the ball under them
                high = (dx * eye[k, 15 + 0] + dy * eye[k, 16] + dz * eye[k, 17]) / r
                under = min(max((eye[k, 19] - high) / 0.42, 0.0), 1.0)
                over = min(max((high - eye[k, 18]) / 0.25, 0.0), 1.0)
                sky *= (0.35 + 0.65 * under) * (0.7 + 0.3 * over)
                nx, ny, nz = dx, dy, dz
                gloss, wrap = 0.25, 0.5
            else:
                red = w0 * colour[a, 0] + w1 * colour[b, 0] + w2 * colour[c, 0]
                green = w0 * colour[a, 1] + w1 * colour[b, 1] + w2 * colour[c, 1]
                blue = w0 * colour[a, 2] + w1 * colour[b, 2] + w2 * colour[c, 2]
                if kind == BACK:
                    gloss, wrap = 0.25, 1.0
                elif kind == HAIR or kind == CLOTHES:
                    size = strands.shape[0]
                    mark = strands[int(v * size) % size, int(u * size) % size] / 255.0
                    mark = 0.45 + 1.1 * mark if kind == HAIR else 0.8 + 0.4 * mark
                    red, green, blue = red * mark, green * mark, blue * mark
                    code = 2 if kind == HAIR else 6
                elif kind == GLASSES:
                    gloss, code = 1.0, 7
                elif kind == OCCLUDER:
                    gloss, wrap, code = 0.3, 0.6, 7

            # ambient: sky from above, ground from below
            up = 0.5 + 0.5 * ny
            ar = sky * (up * lamps[3, 0] + (1 - up) * lamps[3, 3])
            ag = sky * (up * lamps[3, 1] + (1 - up) * lamps[3, 4])
            ab = sky * (up * lamps[3, 2] + (1 - up) * lamps[3, 5])
            if kind <= BACK:  # light that bounces within a fold of skin comes out red
                ar *= 1 + 0.35 * (1 - sky)
            outr, outg, outb = red * ar, green * ag, blue * ab
            ndv = max(nx * vx + ny * vy + nz * vz, 0.0)
            sr, sg, sb = 0.0, 0.0, 0.0

            for k in range(3):
                lx, ly, lz = lamps[k, 0], lamps[k, 1], lamps[k, 2]
                ndl = nx * lx + ny * ly + nz * lz
                reach = 1.0
                if k == 0:
                    mx = lamp_view[0, 0] * px + lamp_view[0, 1] * py + lamp_view[0, 2] * pz + lamp_view[0, 3]
                    my = lamp_view[1, 0] * px + lamp_view[1, 1] * py + lamp_view[1, 2] * pz + lamp_view[1, 3]
                    mz = lamp_view[2, 0] * px + lamp_view[2, 1] * py + lamp_view[2, 2] * pz + lamp_view[2, 3]
                    reach = _lit(
                        depth,
                        mx,
                        my,
                        mz + (2.5 if kind == GUMS or kind == TEETH else 1.0) * lamp_view[3, 1],
                        lamp_view[3, 0],
                    )
                    if kind == GUMS or kind == TEETH:
                        reach *= min(1.0, 0.1 + 1.3 * sky)
                else:
                    reach = sky if kind == GUMS or kind == TEETH else 0.35 + 0.65 * sky
                if kind == HAIR:
                    tx = w0 * tangent[a, 0] + w1 * tangent[b, 0] + w2 * tangent[c, 0]
                    ty = w0 * tangent[a, 1] + w1 * tangent[b, 1] + w2 * tangent[c, 1]
                    tz = w0 * tangent[a, 2] + w1 * tangent[b, 2] + w2 * tangent[c, 2]
                    r = 1 / np.sqrt(tx * tx + ty * ty + tz * tz + 1e-12)
                    tx, ty, tz = tx * r, ty * r, tz * r
                    tdl = tx * lx + ty * ly + tz * lz
                    side = np.sqrt(max(1 - tdl * tdl, 0.0)) * min(max(ndl * 0.7 + 0.45, 0.0), 1.0)
                    outr += red * side * reach * lamps[k, 3]
                    outg += green * side * reach * lamps[k, 4]
                    outb += blue * side * reach * lamps[k, 5]
                    hx, hy, hz = lx + vx, ly + vy, lz + vz
                    r = 1 / np.sqrt(hx * hx + hy * hy + hz * hz + 1e-12)
                    tdh = (tx * hx + ty * hy + tz * hz) * r
                    shine = np.sqrt(max(1 - tdh * tdh, 0.0)) ** 60 * min(max(ndl + 0.2, 0.0), 1.0) * reach
                    sr += (0.06 + 0.5 * red) * shine * lamps[k, 3]
                    sg += (0.06 + 0.5 * green) * shine * lamps[k, 4]
                    sb += (0.06 + 0.5 * blue) * shine * lamps[k, 5]
                    continue
                wr, wg, wb = 0.32 * wrap, 0.13 * wrap, 0.07 * wrap
                dr = max((ndl + wr) / (1 + wr), 0.0)
                dg = max((ndl + wg) / (1 + wg), 0.0)
                db = max((ndl + wb) / (1 + wb), 0.0)
                # a shadow's edge on skin is reddish
                outr += red * dr * reach ** (1 - 0.35 * wrap) * lamps[k, 3]
                outg += green * dg * reach * lamps[k, 4]
                outb += blue * db * reach * lamps[k, 5]
                if ndl > 0 and gloss > 0:
                    hx, hy, hz = lx + vx, ly + vy, lz + vz
                    r = 1 / np.sqrt(hx * hx + hy * hy + hz * hz + 1e-12)
                    ndh = max((nx * hx + ny * hy + nz * hz) * r, 0.0)
                    vdh = max((vx * hx + vy * hy + vz * hz) * r, 0.0)
                    fresnel = 0.03 + 0.97 * (1 - vdh) ** 5
                    lobes = 0.7 * _gloss(ndh, 14.0) + 0.5 * _gloss(ndh, 48.0) + wet * 1.2 * _gloss(ndh, 110.0)
                    if kind == EYE:
                        lobes = 9.0 * _gloss(ndh, 900.0)
                        reach = max(reach, 0.25)
                    elif kind == TEETH:
                        lobes = 1.2 * _gloss(ndh, 90.0) * sky
                    shine = gloss * fresnel * lobes * ndl * reach
                    sr += shine * lamps[k, 3]
                    sg += shine * lamps[k, 4]
                    sb += shine * lamps[k, 5]
            if wrap > 0:  # the sky mirrored at grazing angles
                graze = 0.25 * gloss * (1 - ndv) ** 4 * sky
                sr += graze * lamps[3, 0]
                sg += graze * lamps[3, 1]
                sb += graze * lamps[3, 2]
            picture[y, x, 0] = outr + sr
            picture[y, x, 1] = outg + sg
            picture[y, x, 2] = outb + sb
            region[y, x] = code
