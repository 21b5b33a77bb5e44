"""Every setting of a merge, what it does, its range and its default: options on the command line, keys of a TOML."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from ..options import Options
from .fit_colours import Transfer
from .mask_words import named, products
from .sharpen import Kind


class MergeOptions(Options):
    """How the new face is laid into the frame. Percentages are of the face's size: its landmarks' longer side."""

    face_scale: float = Field(1.0, ge=0.5, le=1.5)
    """Size of the new face, times its natural size (0.5 to 1.5)."""
    shift_x: float = Field(0.0, ge=-50, le=50)
    """Moves the new face and its mask to the right, percent of the face (-50 to 50); across a head that is turned."""
    shift_y: float = Field(0.0, ge=-50, le=50)
    """Moves the new face and its mask down, percent of the face (-50 to 50); along a head that is turned."""
    warp: float = Field(0.0, ge=0, le=1)
    """How far mouth, jaw and eyes of the new face are pulled to where the plate's are (0 to 1); for models that draw
    crops. Those that work in mesh space draw over the plate's own mesh anyway."""
    mask: str = "auto"
    """What is replaced: the face's outline (hull), all that the model draws (crop), what the model says is face
    (model), what the occlusion net says is face in the plate (xseg) or in what was drawn (xseg-new), the head or the
    person; joined by * for what is in both, by + for what is in either, as in "hull*model+xseg". auto: what suits the
    model."""
    erode: float | None = Field(None, ge=-30, le=40)
    """Pulls the mask's edge in, percent of the face (-30 to 40); negative pushes it out. Default: 4, or 0 for a model
    that draws a soft edge of its own."""
    feather: float | None = Field(None, ge=0, le=50)
    """Width of the mask's soft edge, percent of the face (0 to 50). Default: 10, with --blend bands 3; for a model that
    draws a soft edge of its own 10 with --blend alpha, else 0."""
    opacity: float = Field(1.0, ge=0, le=1)
    """How much of the new face is seen: 0 none, 1 all."""
    pad_top: float = Field(0.0, ge=-50, le=50)
    """Moves the mask's upper side outwards, percent of the face (-50 to 50); negative moves it in."""
    pad_bottom: float = Field(0.0, ge=-50, le=50)
    """Moves the mask's lower side outwards, percent of the face (-50 to 50); negative moves it in."""
    pad_left: float = Field(0.0, ge=-50, le=50)
    """Moves the mask's left side (in the picture) outwards, percent of the face (-50 to 50); negative moves it in."""
    pad_right: float = Field(0.0, ge=-50, le=50)
    """Moves the mask's right side (in the picture) outwards, percent of the face (-50 to 50); negative moves it in."""
    colour: Literal["auto", "none", Transfer] = "auto"
    """Fits the new face's colours to the plate's: mean and spread in Lab (lab; DeepFaceLab's rct) or in RGB (mean);
    mean and covariance by principal axes (lct) or by the least movement (mkl); the whole distribution by rotated
    histograms (idt) or by slices (sot); each channel's histogram (hist; DeepFaceLab's hist-match); light by mean and
    spread, tint by slices (mix); or not at all (none). auto: lab, or none if the model takes the plate's light."""
    colour_strength: float = Field(1.0, ge=0, le=1)
    """How far the new face's colours go to the plate's (0 to 1)."""
    linear_light: bool = False
    """Works on amounts of light, not on shown values: for transfers in RGB and for the colours set by hand."""
    mask_steady: int = Field(1, ge=0, le=4)
    """Frames on either side with whose masks a frame's own is compared (0 to 4): what is in one of them alone does not
    count. Of the occlusion net's masks, and of what the model says is face."""
    occluders: Literal["keep", "cover"] = "keep"
    """What stands before the face (a hand, a microphone, glasses) stays in front (keep) or is painted over (cover)."""
    shape: float = Field(1.0, ge=0, le=1)
    """How much of the source's form the face gets (0 to 1); for models that work in mesh space."""
    light: float = Field(1.0, ge=0, le=1)
    """How much of the plate's light the face gets (0 to 1); for models that work in mesh space."""
    texture_steady: int = Field(2, ge=0, le=4)
    """Frames on either side with which what the model drew is averaged, place by place as far as they are alike (0 to
    4)."""
    detail: float = Field(1.0, ge=0, le=1)
    """How far the face's fine detail is brought to the strength of the plate's own (0 to 1); for models that work in
    mesh space."""
    brightness: float = Field(0.0, ge=-100, le=100)
    """Added to the new face, percent of white (-100 to 100)."""
    contrast: float = Field(0.0, ge=-100, le=100)
    """Contrast of the new face about mid grey, percent more or less (-100 to 100)."""
    saturation: float = Field(0.0, ge=-100, le=100)
    """Strength of the new face's colours, percent more or less (-100, which is grey, to 100)."""
    temperature: float = Field(0.0, ge=-100, le=100)
    """Makes the new face warmer, more red and less blue (to 100: a stop each), or colder (to -100)."""
    tint: float = Field(0.0, ge=-100, le=100)
    """Makes the new face more magenta, less green (to 100: a stop), or greener (to -100)."""
    blend: Literal["alpha", "bands", "poisson", "poisson-mixed", "opencv", "raw"] = "alpha"
    """How face and plate are joined: by the mask alone (alpha); each band of detail with an edge of its own width
    (bands); with the face tinted smoothly so that its edge meets the plate (poisson); so, and with the lines and moles
    of the plate's own skin where they are stronger (poisson-mixed); by OpenCV's seamless cloning (opencv); or the
    model's crop just as it is, with its own mask and colours (raw)."""
    sharpen: float = Field(0.0, ge=0, le=3)
    """Strength of sharpening of the new face (0 to 3)."""
    sharpen_kind: Kind = "gaussian"
    """Sharpens against a Gaussian blur, against the mean of a square (box), or against a Gaussian where the two differ
    by more than grain does (unsharp)."""
    sharpen_radius: float = Field(1.0, ge=0.3, le=10)
    """How wide the detail is that is sharpened: deviation of the blur, in pixels of the crop or the frame, whichever is
    coarser (0.3 to 10)."""
    defocus: float = Field(0.0, ge=0, le=1)
    """How far a new face that is sharper than the plate's is softened to the plate's (0 to 1)."""
    motion_blur: float = Field(0.0, ge=0, le=1)
    """Blurs the new face along the way that the plate's goes while the shutter is open: that share of a frame's time (0
    to 1; of film 0.5)."""
    grain: float = Field(0.0, ge=0, le=1)
    """How much of the grain that the plate has more than the new face it is given (0 to 1)."""
    compression: float = Field(0.0, ge=0, le=1)
    """How far the new face is worn to look as compressed as the plate around it (0 to 1)."""
    restore: float = Field(0.0, ge=0, le=1)
    """How much detail a restorer adds to the drawn face (0 to 1); for models that draw aligned crops."""
    restore_scale: Literal[2, 4] = 2
    """How many times finer the restorer makes the face; 4 where the frame shows it over three times as large as the
    model draws it."""

    @field_validator("mask")
    @classmethod
    def _known(cls, words: str) -> str:
        if words != "auto":
            products(words)
        return words

    def settled(self, mask: str = "hull", soft: bool = False) -> MergeOptions:
        """These options with everything decided; mask: what auto stands for; soft: the model gives its mask a soft edge
        and its face the plate's light."""
        raw = self.blend == "raw"
        usual = {"erode": 4.0, "feather": 3.0 if self.blend == "bands" else 10.0}
        if soft or raw:
            # a little softer yet is seen less on seven clips of seven (benchmarks/finish.py); other blends soften by
            # themselves
            usual = {"erode": 0.0, "feather": 10.0 if soft and self.blend == "alpha" else 0.0}
        changes = {name: value for name, value in usual.items() if getattr(self, name) is None}
        if self.mask == "auto":
            own = "model" if "model" in named(mask) else "crop"
            changes["mask"] = own if raw else mask
        if self.colour == "auto":
            changes["colour"] = "none" if soft or raw else "lab"
        return self.changed(**changes)

    @property
    def poisson(self) -> bool:
        """Whether the face is joined to the plate by a Poisson blend."""
        return self.blend in ("poisson", "poisson-mixed")

    @property
    def transfer(self) -> Transfer | None:
        """How colours are matched, None where they are left alone."""
        return {"none": None, "auto": "lab"}.get(self.colour, self.colour) if self.colour_strength else None
