"""Pixels -> Face: detect, landmarks, align, pose, mask, track, identity, quality."""
