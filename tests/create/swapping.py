"""What the tests of swapping share: a watcher that stops a job, and a clip's pixels."""

import numpy as np

from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.runs import Progress
from semblance.trust.manifest import read_manifest
from semblance.trust.marking import Marking


def pixels_of(path):
    return np.stack([frame.pixels for frame in read_frames(probe(path))])


def marked(pixels, like, over=None):
    """Frames (N, H, W, 3) uint8 with the watermark that the finished file `like` carries: what of them is untouched.

    over: the file that the frames come from, where it carries an older mark, which is taken off.
    """
    older = read_manifest(over).claim.watermark if over else ""
    marking, pixels = Marking(read_manifest(like).claim.watermark, older), pixels.copy()
    for frame in pixels:
        marking.rgb(frame)
    return pixels


class StopAt(Progress):
    def __init__(self, frames, stop):
        self.left, self.stop_signal, self.told = frames, stop, []

    def advance(self, count=1, note=""):
        self.left -= count
        if self.left <= 0:
            self.stop_signal.request()

    def say(self, text):
        self.told.append(text)
