"""Comparisons in one run each: `python ci/bench.py kernels`, `... empirical`, `... checks` or `... wide`."""

import argparse
import sys

import bench_checks
import bench_empirical
import bench_kernels
import bench_wide


def main() -> int:
    """Runs one comparison."""
    if sys.argv[1:2] == ["empirical"]:  # has options, and an exit status, of its own
        return bench_empirical.main(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMPARISON")
    bench_kernels.add_to(commands)
    bench_checks.add_to(commands)
    bench_wide.add_to(commands)
    commands.add_parser("empirical", help="empirical NTKs of a network; see its own --help")
    options = parser.parse_args()
    options.run(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
