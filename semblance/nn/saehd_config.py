"""What both nets of DeepFaceLab's SAEHD are told; defaults are the published ones, the program's names in brackets.

iperov/DeepFaceLab, 2023 code (commit 46fc2397), Model_SAEHD and DeepFakeArchi.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ..faceset.warp import WarpOptions
from ..options import Options

PRETRAINING = {
    "random_warp": False, "flip_source": True, "flip_target": True, "gan_power": 0.0, "face_style": 0.0,
    "background_style": 0.0, "random_hue": 0.0, "colour_transfer": "none", "lr_dropout": False, "uniform_yaw": True,
}  # fmt: skip
"""What pretraining puts in place of the options given."""


class SaehdConfig(Options):
    """Sizes of the net, what its pictures go through, and what it is asked for."""

    size: int = Field(128, ge=32, le=640)
    """side of the network's picture in pixels (resolution)"""
    coverage: float = Field(1.0, gt=0.1, le=1)
    """share of the stored crop's side that the network sees; 1 of a `face` crop is DeepFaceLab's full face"""
    code: int = Field(256, ge=8, le=1024)
    """width of the dense layer in the middle, and of the code (ae_dims)"""
    encoder: int = Field(64, ge=4, le=256)
    """channels of the encoder's first layer; the last has eight times as many (e_dims)"""
    decoder: int = Field(64, ge=4, le=256)
    """half the channels of the decoder's last layer (d_dims)"""
    mask_decoder: int = Field(22, ge=2, le=256)
    """the same in the branch that draws the mask (d_mask_dims, a third of d_dims)"""
    pixel_norm: bool = True
    """bring the encoder's answer to one length (archi -u): more of the likeness"""
    half_decoder: bool = True
    """decode at half the size and double it at the very end (archi -d): faster, or larger faces at the same speed"""
    deep: bool = False
    """a deeper encoder and decoder with residuals (archi -t)"""
    cosine: bool = False
    """x cos(x) in place of leaky ReLU (archi -c)"""

    masked_training: bool = True
    """outside of the face mask all errors are free (masked_training)"""
    eyes_mouth_priority: bool = False
    """errors of eyes and inner mouth count far more (eyes_mouth_prio)"""
    blur_outside_mask: bool = False
    """smooth away what lies outside of the mask, so that the edge asks for no guess (blur_out_mask)"""
    uniform_yaw: bool = False
    """show profiles as often as front views (uniform_yaw)"""
    random_warp: bool = True
    """bend the net's input: on until faces are sharp, then off for likeness (random_warp)"""
    warp_reach: float = Field(0.24, ge=0, le=0.5)
    """how far it is bent at most, as a share of a lattice's cell (fixed in the program)"""
    flip_source: bool = False
    """mirror source pictures at times (random_src_flip)"""
    flip_target: bool = True
    """mirror target pictures at times (random_dst_flip)"""
    random_hue: float = Field(0.0, ge=0, le=0.3)
    """vary hue, saturation and value of the source's input (random_hsv_power)"""
    colour_transfer: Literal["none", "rct", "lct", "mkl", "idt", "sot"] = "none"
    """recolour each source picture to a random target picture (ct_mode)"""
    rotation: float = Field(10.0, ge=0, le=180)
    """largest turn either way, degrees"""
    zoom: float = Field(0.15, ge=0, lt=1)
    """largest growth, and largest shrinking to the inverse, as a share (scale_range)"""
    shift: float = Field(0.05, ge=0, le=1)
    """largest shift along each axis, as a share of the picture"""

    face_style: float = Field(0.0, ge=0, le=100)
    """draw the swap's colours to the target's face; not before faces are formed, 0.001 to 0.1 (face_style_power)"""
    background_style: float = Field(0.0, ge=0, le=100)
    """draw the swap's surroundings to the target's; as above (bg_style_power)"""
    gan_power: float = Field(0.0, ge=0, le=5)
    """weight of a discriminator of the source's faces, 0.1 or less; at the very end, without random warp (gan_power)"""
    gan_patch: int | None = Field(None, ge=3, le=640)
    """side of what that discriminator sees at a time; default: an eighth of the picture (gan_patch_size)"""
    gan_dims: int = Field(16, ge=4, le=512)
    """channels of its first layer (gan_dims)"""
    match: float = Field(0.0, ge=0)
    """ours: weight of drawing the source from the target's picture where both make the same expression"""

    batch: int = Field(8, ge=1)
    """pictures per side and step (batch_size: 8, or 4 on a GPU of less than 4 GB)"""
    learning_rate: float = Field(5e-5, gt=0)
    """of all optimisers (fixed in the program)"""
    optimiser: Literal["adabelief", "rmsprop", "adam"] = "adabelief"
    """adabelief, or rmsprop where memory is short (adabelief on or off)"""
    lr_dropout: bool = False
    """move three weights in ten at a step, the learning rate swinging to zero and back every 500 steps (lr_dropout)"""
    clip: float = Field(0.0, ge=0)
    """largest norm of the gradient, 0: any (clipgrad: 1)"""
    pretrain: bool = False
    """learn faces at large from many people: no warp, no style, no discriminator, mirrored, uniform yaw (pretrain)"""
    schedule: Literal["constant", "cosine"] = "constant"
    """how the learning rate runs to the end (ours; in the program it stays)"""
    ema_samples: int = Field(0, ge=0)
    """half-life of the averaged weights, in samples (ours); 0: no average, as published"""

    @model_validator(mode="before")
    @classmethod
    def _as_pretraining_does(cls, values: dict) -> dict:
        """Pretraining overrules other options; the record then says what was really done."""
        if not values.get("pretrain"):
            return values
        own = PRETRAINING | ({"true_face": 0.0} if "true_face" in cls.model_fields else {})
        return values | own

    @model_validator(mode="after")
    def _fits_together(self):
        step = 32 if self.half_decoder or self.deep else 16
        if self.size % step:
            raise ValueError(f"size must be a multiple of {step}, for its strided convolutions")
        if self.mask_decoder % 2:
            raise ValueError("mask_decoder must be even")
        return self

    @property
    def vector(self) -> int:
        """Length of the encoder's answer."""
        return 8 * self.encoder * (self.size // (32 if self.deep else 16)) ** 2

    @property
    def dense_side(self) -> int:
        """Side of what the dense layers are unfolded to."""
        return self.size // (32 if self.half_decoder else 16)

    @property
    def code_side(self) -> int:
        """Side of the code that a decoder starts from."""
        return self.dense_side * (1 if self.deep else 2)

    @property
    def augment(self) -> WarpOptions:
        """How training pictures are moved, bent and tinted."""
        return WarpOptions(
            rotation=self.rotation, zoom=self.zoom, shift=self.shift, warp=self.random_warp,
            reach=self.warp_reach,
            flip=(0.4 * self.flip_source, 0.4 * self.flip_target),  # how often, where it is on (the program)
            hue=self.random_hue, transfer=self.colour_transfer, uniform_yaw=self.uniform_yaw,
        )  # fmt: skip

    @property
    def optimisation(self) -> dict:
        """What each Phase is told of its optimiser: all of a net's have the same numbers."""
        betas = {"adabelief": (0.9, 0.999), "rmsprop": (0.0, 0.9), "adam": (0.9, 0.999)}[self.optimiser]
        return {
            "learning_rate": self.learning_rate,
            "betas": betas,
            "epsilon": 1e-6,
            "optimiser": self.optimiser,
            "moving": 0.3 if self.lr_dropout else 1.0,
            "swings": self.lr_dropout,
            "clip": self.clip,
        }
