"""What the tests of swapping share: a watcher that stops a job, and a clip's pixels."""

import numpy as np

from semblance.media.probe import probe
from semblance.media.read import read_frames
from semblance.runs import Progress


def pixels_of(path):
    return np.stack([frame.pixels for frame in read_frames(probe(path))])


class StopAt(Progress):
    def __init__(self, frames, stop):
        self.left, self.stop_signal, self.told = frames, stop, []

    def advance(self, count=1, note=""):
        self.left -= count
        if self.left <= 0:
            self.stop_signal.request()

    def say(self, text):
        self.told.append(text)
