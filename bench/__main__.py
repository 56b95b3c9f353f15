"""``make bench``: every benchmark, one after the other, with the arguments that suit a first look."""

import argparse
import asyncio

from bench.conversation_growth import grow
from bench.startup import main as measure_starts


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000, help="length of the growing conversation")
    parser.add_argument("--rounds", type=int, default=5, help="starts of the service")
    options = parser.parse_args()
    asyncio.run(measure_starts(options.rounds))
    asyncio.run(grow(options.messages))


if __name__ == "__main__":
    main()
