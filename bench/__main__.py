"""``make bench``: every benchmark, one after the other, with the arguments that suit a first look."""

import argparse
import asyncio

from bench.call_overhead import main as measure_calls
from bench.conversation_growth import grow
from bench.first_token import main as measure_first_tokens
from bench.startup import main as measure_starts
from bench.statistics import main as measure_dashboard


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000, help="length of the growing conversation")
    parser.add_argument("--rounds", type=int, default=5, help="starts of the service")
    parser.add_argument("--streams", type=int, default=200, help="streams whose first token is timed")
    parser.add_argument("--rows", type=int, default=100_000, help="rows that the dashboard is about")
    parser.add_argument("--calls", type=int, default=1_000, help="calls of models, alone and through Crafter")
    options = parser.parse_args()
    asyncio.run(measure_starts(options.rounds))
    asyncio.run(measure_first_tokens(options.streams))
    asyncio.run(measure_calls(options.calls, 50.0))
    asyncio.run(grow(options.messages))
    asyncio.run(measure_dashboard(options.rows))


if __name__ == "__main__":
    main()
