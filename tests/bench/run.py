#!/usr/bin/python3
"""The figures that docs and notes quote: `./dev bench` [--rows sso,h2,guard,scim] [--seconds 4] [--rounds 3].

Every figure is a ratio to a named peer in the same run: rounds are interleaved, medians are printed.
Machines are shared and noisy, so nothing here passes or fails."""
import argparse
import json
import os
import shutil
import sys
import tempfile

from peers import ROOT, stop_all
from rows_edge import bench_bodies, bench_handshakes, bench_idle, bench_slow
from rows_folder import bench_folder
from rows_gate import bench_gate
from rows_isolation import bench_isolation
from rows_link import bench_cut
from rows_prov import bench_scim
from rows_scale import bench_import, bench_scale
from rows_sso import bench_guard, bench_h2, bench_sso

ROWS = {
    "sso": bench_sso,
    "h2": bench_h2,
    "guard": bench_guard,
    "scim": bench_scim,
    "idle": bench_idle,
    "bodies": bench_bodies,
    "slow": bench_slow,
    "handshakes": bench_handshakes,
    "cut": bench_cut,
    "gate": bench_gate,
    "isolation": bench_isolation,
    "scale": bench_scale,
    "import": bench_import,
    "prov": bench_folder,
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="rows:\n" + "\n".join(f"  {name:10} {row.__doc__}" for name, row in ROWS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", default=",".join(ROWS), help="which, of those below; all of them take hours")
    parser.add_argument("--seconds", type=int, default=4, help="of each single run")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved; medians are printed")
    parser.add_argument("--sessions", type=int, default=1000000, help="bound sessions in the store")
    parser.add_argument("--users", type=int, default=50000)
    parser.add_argument("--idle", type=int, default=10000, help="idle TLS connections of the row idle")
    parser.add_argument("--gib", type=int, default=10, help="size of each body of the row bodies")
    parser.add_argument("--sizes", default="10000,1000000", help="of the stores of the row scale")
    parser.add_argument("--folders", default="50000,1000000", help="sizes of the row prov, compared with the first")
    parser.add_argument("--filled", help="a folder where filled stores are kept, for the next run with the same sizes")
    parser.add_argument("--binary", default=os.path.join(ROOT, "build", "provgate"))
    parser.add_argument("--tools", default=os.path.join(ROOT, "build", "bench"))
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()
    report = {}
    for row in options.rows.split(","):
        if row not in ROWS:
            parser.error(f"no row {row}; there are {', '.join(ROWS)}")
    folder = tempfile.mkdtemp(prefix="provgate-bench-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    try:
        for row in options.rows.split(","):
            bench_folder = os.path.join(folder, row)
            os.makedirs(bench_folder)
            ROWS[row](options, bench_folder, report)
    finally:
        stop_all()
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        with open(options.json, "w") as f:
            json.dump(report, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
