#!/usr/bin/env python3
"""Compares azof-tui's answers with DuckDB's over the same files: snapshots at many moments, and the ticks.

    pip install duckdb
    tests/check_with_duckdb.py LAKE TABLE [AZOF_TUI]

Plans are made here, from the JSON, and the newest row of a key is DuckDB's own; nothing of the program is used but what
it prints. Ends with exit status 1 where something differs.
"""
import json
import subprocess
import sys
import tempfile
import os

import duckdb


def plan(segments, at, out):
    for s in segments:
        if at is not None and (s["start"] > at or (s.get("end") and at > s["end"])):
            continue
        if at is None and s.get("end"):
            continue
        plan(s.get("segments") or [], at, out)
        deltas = [d for d in s.get("delta") or [] if at is None or d["start"] <= at]
        deltas.sort(key=lambda d: d["start"], reverse=True)
        out.extend(d["file"] for d in deltas)
        if s.get("file"):
            out.append(s["file"])


def visible(segments, start, out):
    for s in segments:
        here = max(start, s["start"])
        visible(s.get("segments") or [], here, out)
        out.extend((d["file"], max(here, d["start"])) for d in s.get("delta") or [])
        if s.get("file"):
            out.append((s["file"], here))


def union(folder, files, columns):
    """All rows of the files, with the precedence of their file and their place in it."""
    parts = [
        f"select {rank} as rank_, file_row_number as row_, key, event_time, {columns} "
        f"from read_parquet('{os.path.join(folder, name)}', file_row_number=true)"
        for rank, name in enumerate(files)
    ]
    return " union all ".join(parts)


def main():
    lake, table = sys.argv[1:3]
    program = sys.argv[3] if len(sys.argv) > 3 else "azof-tui"
    folder = os.path.join(lake, table)
    version = open(os.path.join(folder, "version.txt")).read().strip()
    manifest = json.load(open(os.path.join(folder, f"s{version}.json")))
    columns = ", ".join(f'"{c["name"]}"' for c in manifest["schema"]["columns"])
    con = duckdb.connect()
    con.execute("set timezone='UTC'")
    seen = []
    visible(manifest["segments"], "", seen)
    rows = [(os.path.join(folder, f), v) for f, v in seen]
    con.execute("create table files(name varchar, from_ timestamptz)")
    con.executemany("insert into files values (?, ?)", rows)
    ticks = con.execute(
        "with pairs as (select key, event_time, min(greatest(event_time, from_)) as at_ from "
        f"read_parquet({sorted({r[0] for r in rows})!r}, filename=true, union_by_name=true) r join files f on f.name = r.filename "
        "group by all) select epoch_ms(at_), count(*) from pairs group by at_ order by at_"
    ).fetchall()
    told = subprocess.run([program, "timeline", "--path", lake, "--table", table, "--format", "ndjson"],
                          check=True, capture_output=True, text=True).stdout
    told = [json.loads(line) for line in told.splitlines()]
    told = [(con.execute("select epoch_ms(?::timestamptz)", [t["event_time"]]).fetchone()[0], t["changes"]) for t in told]
    wrong = int(ticks != told)
    print(f"ticks: {len(ticks)}, {sum(n for _, n in ticks)} changes: {'DIFFER' if wrong else 'equal'}")
    moments = [None] + [ticks[i][0] for i in range(0, len(ticks), max(1, len(ticks) // 24))]
    moments += [m + 1 for m in moments[1:]] + [m - 1 for m in moments[1:]]
    for ms in moments:
        at = None if ms is None else con.execute("select strftime(make_timestamp(?), '%Y-%m-%dT%H:%M:%S.%gZ')", [ms * 1000]).fetchone()[0]
        files = []
        plan(manifest["segments"], at, files)
        with tempfile.NamedTemporaryFile(suffix=".parquet") as out:
            subprocess.run([program, "scan", "--path", lake, "--table", table, "--as-of", at or "current", "--format", "parquet",
                            "--output", out.name], check=True, capture_output=True)
            ours = f"select key, event_time, {columns} from read_parquet('{out.name}')"
            if not files:
                count = con.execute(f"select count(*) from ({ours})").fetchone()[0]
                differ = count
            else:
                limit = "" if ms is None else f"where epoch_ms(event_time) <= {ms}"
                theirs = (f"select key, event_time, {columns} from (select *, row_number() over (partition by key "
                          f"order by event_time desc, rank_, row_) as n from ({union(folder, files, columns)}) {limit}) where n = 1")
                differ = con.execute(f"select count(*) from (({ours} except all {theirs}) union all ({theirs} except all {ours}))").fetchone()[0]
                count = con.execute(f"select count(*) from ({ours})").fetchone()[0]
        wrong += differ > 0
        if differ:
            print(f"as of {at or 'current'}: {differ} rows DIFFER of {count}")
    print(f"{len(moments)} moments: {'some DIFFER' if wrong else 'all equal'}")
    sys.exit(1 if wrong else 0)


main()
