#!/usr/bin/env python3
"""Compares `azof-tui diff --summary` with DuckDB's full outer join of two as-of queries, in counts and in time.

    pip install duckdb
    tests/check_diff_with_duckdb.py LAKE TABLE FROM TO [AZOF_TUI]

FROM and TO are RFC 3339 in milliseconds, such as 2018-05-17T00:00:00.000Z. DuckDB is timed in process, the program as a
whole process; both read files that the page cache holds. Ends with exit status 1 where a count differs.
"""
import json
import os
import statistics
import subprocess
import sys
import time

import duckdb


def plan(segments, at, out):
    for s in segments:
        if s["start"] > at or (s.get("end") and at > s["end"]):
            continue
        plan(s.get("segments") or [], at, out)
        deltas = sorted((d for d in s.get("delta") or [] if d["start"] <= at), key=lambda d: d["start"], reverse=True)
        out.extend(d["file"] for d in deltas)
        if s.get("file"):
            out.append(s["file"])


def as_of(folder, files, columns, at):
    parts = " union all ".join(
        f"select {rank} as rank_, file_row_number as row_, key, event_time, {columns} "
        f"from read_parquet('{os.path.join(folder, name)}', file_row_number=true)"
        for rank, name in enumerate(files)
    )
    return (f"(select * from ({parts}) where event_time <= '{at}'::timestamptz qualify row_number() over "
            "(partition by key order by event_time desc, rank_, row_) = 1)")


def main():
    lake, table, start, end = sys.argv[1:5]
    program = sys.argv[5] if len(sys.argv) > 5 else "azof-tui"
    folder = os.path.join(lake, table)
    version = open(os.path.join(folder, "version.txt")).read().strip()
    manifest = json.load(open(os.path.join(folder, f"s{version}.json")))
    names = [c["name"] for c in manifest["schema"]["columns"]]
    columns = ", ".join(f'"{n}"' for n in names)
    sides = []
    for at in (start, end):
        files = []
        plan(manifest["segments"], at, files)
        sides.append(as_of(folder, files, columns, at))
    differs = " or ".join(f'a."{n}" is distinct from b."{n}"' for n in names)
    both = "a.key is not null and b.key is not null"
    cells = ", ".join(f'count(*) filter ({both} and a."{n}" is distinct from b."{n}")' for n in names)
    query = (
        f"select count(*) filter (a.key is null), count(*) filter (b.key is null), count(*) filter ({both} and ({differs})), "
        f"count(*) filter ({both} and not ({differs}) and a.event_time <> b.event_time), "
        f"count(*) filter ({both} and not ({differs}) and a.event_time = b.event_time), {cells} "
        f"from {sides[0]} a full outer join {sides[1]} b on a.key = b.key"
    )
    con = duckdb.connect()
    con.execute("set timezone='UTC'")
    con.execute(f"set threads={os.cpu_count()}")
    command = [program, "diff", "--path", lake, "--table", table, "--from", start, "--to", end, "--summary", "--format", "json"]
    ours, theirs = [], []
    for _ in range(15):
        began = time.perf_counter()
        row = con.execute(query).fetchone()
        theirs.append(time.perf_counter() - began)
        began = time.perf_counter()
        told = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
        ours.append(time.perf_counter() - began)
    expected = dict(zip(["added", "removed", "changed", "touched", "same"], row), cells=dict(zip(names, row[5:])))
    found = {k: v for k, v in told.items() if k in expected}
    print(f"duckdb {duckdb.__version__}: {json.dumps(expected)}")
    print("counts are", "equal" if expected == found else f"DIFFERENT: {json.dumps(found)}")
    a, b = statistics.median(ours) * 1e3, statistics.median(theirs) * 1e3
    print(f"median of 15: azof-tui {a:.1f} ms (process), DuckDB {b:.1f} ms (query); ratio {a / b:.2f}")
    sys.exit(0 if expected == found else 1)


main()
