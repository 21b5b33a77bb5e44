"""Films faces with something before them, each with its exact mask; a folder that was stopped goes on.

python scripts/film_occlusions.py OUT [--pictures 1200] [--seed 0] [--side 192] [--body both] [--glasses 0.4]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from semblance.app.terminal import TerminalProgress
from semblance.create.occlusions import OcclusionOptions, film_occlusions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pictures", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--body", default="both")
    parser.add_argument("--glasses", type=float, default=0.4, help="share of people who wear them")
    asked = vars(parser.parse_args())
    out, progress = asked.pop("out"), TerminalProgress()
    result = film_occlusions(out, OcclusionOptions(**asked), progress)
    progress.done()
    print(result.summary())


if __name__ == "__main__":
    main()
