"""A person who doesn't exist: everything that says who somebody is, drawn once from a seed.

Shape comes from the body's identity axes; skin, brows, beard, eyes, lips and hair from the fields below. Nothing here
depends on what the person does, or where.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

CUTS = ("bald", "buzz", "short", "side", "long", "bob", "bun", "curly")
IDENTITY_AXES = 100
# Standard deviations of the model's own spread, by axis: people on film should not look like brothers. The first axes
# (size, length, width) turn into caricature soonest and tell people apart least.
_SPREAD = np.interp(np.arange(IDENTITY_AXES), [0, 12], [1.4, 1.9])


@dataclass(frozen=True, eq=False)
class Person:
    """Shares are 0..1, colours linear RGB."""

    seed: int
    identity: np.ndarray  # (100,) in standard deviations
    melanin: float  # 0 the palest skin, 1 the darkest
    ruddy: float
    age: float  # 0 smooth, 1 lined
    freckles: float
    make_up: float
    bearing: dict[str, float]  # expression weights that never leave the face: heavy lids, a drawn mouth, a jaw aside
    brow_weight: float  # thickness and darkness
    brow_colour: tuple[float, float, float]  # of beard and stubble too
    brow_shape: tuple[float, float, float]  # lift, arch, length
    lip_colour: tuple[float, float, float]  # over the skin's: multiplies it
    lip_depth: float
    lip_height: float  # of the red of the lips against the body's own
    stubble: float
    moustache: float
    beard: float
    eye_colour: tuple[float, float, float]
    hair_cut: str
    hair_colour: tuple[float, float, float]
    grey: float  # share of white hairs
    hairline: float  # 0 low, 1 receding
    wardrobe: int  # the seed of what hair and clothes leave open: partings, folds, patterns
    glasses: bool
    clothes: str
    clothes_colour: tuple[float, float, float]

    def to_dict(self) -> dict:
        """For JSON; identity rounded to what a picture can show."""
        return {**asdict(self), "identity": [round(float(value), 4) for value in self.identity]}


# Colours of irises and hair as people have them, linear RGB
_IRISES = {
    "dark brown": (0.055, 0.026, 0.012),
    "brown": (0.13, 0.06, 0.022),
    "hazel": (0.17, 0.12, 0.04),
    "green": (0.13, 0.18, 0.085),
    "blue": (0.12, 0.21, 0.33),
    "grey": (0.2, 0.24, 0.27),
}
HAIR = {
    "black": (0.008, 0.007, 0.007),
    "dark brown": (0.03, 0.017, 0.01),
    "brown": (0.075, 0.04, 0.02),
    "auburn": (0.15, 0.045, 0.018),
    "dark blond": (0.2, 0.12, 0.055),
    "blond": (0.42, 0.29, 0.13),
    "grey": (0.3, 0.29, 0.28),
    "white": (0.6, 0.58, 0.55),
}
# What a face shows when it does nothing: groups of expressions, of which somebody has one or none, and how strongly
_BEARINGS = (
    (("browDown",), ("browInnerUp",), 0.2),
    (("mouthFrown",), ("mouthSmile",), 0.15),
    (("eyeSquint",), ("eyeWide",), 0.3),
    (("jawLeft",), ("jawRight",), 0.12),
    (("mouthLeft",), ("mouthRight",), 0.1),
)
_CLOTHES = ("round neck", "shirt", "polo neck")


def draw_person(seed: int) -> Person:
    """Somebody new for each seed."""
    rng = np.random.default_rng([seed, 0x9E0])
    identity = (_SPREAD * np.clip(rng.normal(0, 1, IDENTITY_AXES), -2.3, 2.3)).astype(np.float32)
    masculine = rng.random() < 0.5
    melanin = float(rng.beta(1.1, 1.3))
    age = float(rng.beta(1.2, 1.8))
    dark = melanin > 0.55
    iris = rng.choice(list(_IRISES), p=[0.8, 0.2, 0, 0, 0, 0] if dark else [0.12, 0.2, 0.16, 0.17, 0.22, 0.13])
    if age > 0.75 and rng.random() < 0.6:
        hair = rng.choice(["grey", "white"])
    elif dark:
        hair = rng.choice(["black", "dark brown"], p=[0.8, 0.2])
    else:
        hair = rng.choice(list(HAIR)[:6], p=[0.16, 0.24, 0.22, 0.12, 0.14, 0.12])
    cuts = ["bald", "buzz", "short", "side", "curly"] if masculine else ["side", "long", "bob", "bun", "curly", "short"]
    beard = masculine * float(rng.choice([0, 0, 0, rng.uniform(0.5, 1)]))
    hair_colour = tuple(float(v) for v in np.array(HAIR[hair]) * rng.uniform(0.75, 1.25))
    return Person(
        seed=seed,
        identity=identity,
        melanin=melanin,
        ruddy=float(rng.beta(2, 3)),
        age=age,
        freckles=float(max(0, rng.normal(-0.1, 0.5))) * (melanin < 0.5),
        make_up=0.0 if masculine else float(rng.choice([0, 0.3, 0.6, 1.0])),
        bearing=_bearing(rng),
        brow_weight=float(rng.uniform(0.5, 1.0) if masculine else rng.uniform(0.15, 0.8)),
        brow_colour=hair_colour,
        brow_shape=tuple(float(v) for v in rng.normal(0, 1.7, 3).clip(-2.8, 2.8)),
        lip_colour=_lips(rng, masculine),
        lip_depth=float(rng.uniform(0.3, 1.0)),
        lip_height=float(rng.uniform(0.6, 1.3)),
        stubble=masculine * float(rng.choice([0, rng.uniform(0.2, 1)])),
        moustache=max(beard * float(rng.choice([0.0, 0.9])), masculine * float(rng.choice([0, 0, 0, 1.0]))),
        beard=beard,
        eye_colour=tuple(float(v) for v in np.array(_IRISES[iris]) * rng.uniform(0.8, 1.2)),
        hair_cut=str(rng.choice(cuts)),
        hair_colour=hair_colour,
        grey=max(0.0, age - 0.45),
        hairline=float(rng.beta(1.5, 3) + 0.25 * masculine * age),
        wardrobe=seed,
        glasses=bool(rng.random() < 0.12 + 0.15 * age),
        clothes=str(rng.choice(_CLOTHES)),
        clothes_colour=tuple(float(v) for v in _cloth(rng)),
    )


def with_face_of(target: Person, source: Person) -> Person:
    """The true swap: the source as they would look with the target's hair, glasses and clothes."""
    return replace(
        source,
        hair_cut=target.hair_cut,
        hair_colour=target.hair_colour,
        grey=target.grey,
        hairline=target.hairline,
        wardrobe=target.wardrobe,
        glasses=target.glasses,
        clothes=target.clothes,
        clothes_colour=target.clothes_colour,
    )


def _bearing(rng: np.random.Generator) -> dict[str, float]:
    """Weights by expression name; names without a side stand for both."""
    weights = {"eyeBlink": float(rng.uniform(0.05, 0.38))}
    for *kinds, most in _BEARINGS:
        names, strength = kinds[rng.integers(len(kinds))], float(rng.uniform(0, most))
        weights |= dict.fromkeys(names, strength)
    return weights


def _lips(rng: np.random.Generator, masculine: bool) -> tuple[float, float, float]:
    """What the skin's albedo is multiplied by: pale to dark red, lipstick included."""
    natural = np.array([1.0, 0.62, 0.66]) * rng.uniform(0.75, 1.0)
    if not masculine and rng.random() < 0.4:
        natural = np.array([1.0, rng.uniform(0.12, 0.4), rng.uniform(0.15, 0.5)]) * rng.uniform(0.6, 1.0)
    return tuple(float(v) for v in natural)


def _cloth(rng: np.random.Generator) -> np.ndarray:
    hue, light = rng.uniform(0, 2 * np.pi), rng.uniform(0.02, 0.35)
    return light * np.clip(1 + 0.7 * np.cos(hue + np.array([0, 2.1, 4.2])), 0.15, 2)
