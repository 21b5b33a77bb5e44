"""What several models share: losses on pictures, features to compare pictures by, optimisers.

Convention:
    - a picture is (B, C, H, W) in 0..1, a mask or weight map (B, 1, H, W) in 0..1, logits (B, ...) any shape
    - a loss returns one value per sample, (B,), not yet weighted; the model multiplies, adds and takes the mean
    - a weight map multiplies the error of each pixel, the mean still goes over all pixels: half a map, half the loss
    - all is computed in float32, under autocast too
"""
