"""What every loss begins and ends with: two pictures of one shape in float32; an error map -> one value per sample."""

from __future__ import annotations

from torch import Tensor

from ..errors import InputError


def alike(face: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Both in float32. Raises InputError unless their shapes are equal: broadcasting would hide a mistake."""
    if face.shape != truth.shape:
        raise InputError(
            f"A loss compares pictures of one shape, not {tuple(face.shape)} with {tuple(truth.shape)}; resize one."
        )
    return face.float(), truth.float()


def averaged(error: Tensor, weight: Tensor | None = None) -> Tensor:
    """error (B, ...) -> mean per sample (B,); weight (B, 1, H, W) multiplies the error first."""
    if weight is not None:
        if weight.shape[1:] != (1, *error.shape[2:]):
            raise InputError(
                f"A weight map for errors {tuple(error.shape)} must be (B, 1, H, W) of the same H and W, "
                f"not {tuple(weight.shape)}; resize it."
            )
        error = error * weight.float()
    # over no axis at all torch would take the mean of everything
    return error.mean(tuple(range(1, error.ndim))) if error.ndim > 1 else error
