#!/usr/bin/env python3
"""Measures the README's statement of SQL beside DuckDB over the same planned files, planning included on both sides.

    pip install duckdb
    benches/sql.py LAKE

DuckDB plans no files by moment, so it is given the planned ones; of two ways to write the newest row a key, the quicker
counts. A session that is kept stands beside a connection that is kept, and one that is made for each run beside one that is
made for each run; two cores on both sides.
"""
import json, pathlib, statistics, subprocess, sys, time

import duckdb

RUNS = 41
MOMENT = "2019-01-17T00:00:00.000Z"


def planned(folder, at):
    """The data files that a read as of a moment considers, those of higher precedence first."""
    version = (folder / "version.txt").read_text().strip()
    manifest = json.loads((folder / f"s{version}.json").read_text())

    def walk(segments):
        for s in segments:
            if s["start"] <= at and (s.get("end") is None or at <= s["end"]):
                yield from walk(s.get("segments") or [])
                deltas = [d for d in s.get("delta") or [] if d["start"] <= at]
                for d in sorted(deltas, key=lambda d: d["start"], reverse=True):
                    yield d["file"]
                if s.get("file"):
                    yield s["file"]

    return [str(folder / f) for f in walk(manifest["segments"])]


def median_ms(run):
    for _ in range(3):
        rows = run()
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        rows = run()
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times), rows


def main():
    lake = pathlib.Path(sys.argv[1])
    files = planned(lake / "financials", MOMENT)
    db = duckdb.connect(config={"threads": 2})
    source = f"read_parquet({files!r}, filename = true)"
    at = f"TIMESTAMP '{MOMENT[:-1].replace('T', ' ')}'"
    columns = "key AS symbol, revenue, net_income"
    rank = "list_position(" + repr(files) + ", filename)"
    ways = {
        "window": f"""SELECT {columns} FROM (SELECT * FROM {source} WHERE event_time <= {at}
            QUALIFY row_number() OVER (PARTITION BY key ORDER BY event_time DESC, {rank}) = 1)
            WHERE industry IN ('Software') ORDER BY revenue DESC LIMIT 5""",
        "arg_max": f"""SELECT symbol, revenue, net_income FROM (SELECT key AS symbol,
            arg_max_null(revenue, event_time) AS revenue, arg_max_null(net_income, event_time) AS net_income,
            arg_max_null(industry, event_time) AS industry FROM {source} WHERE event_time <= {at} GROUP BY key)
            WHERE industry IN ('Software') ORDER BY revenue DESC LIMIT 5""",
    }
    def anew(sql):
        with duckdb.connect(config={"threads": 2}) as own:
            return own.execute(sql).fetchall()

    theirs, theirs_anew = [], []
    for name, sql in ways.items():
        ms, rows = median_ms(lambda sql=sql: db.execute(sql).fetchall())
        theirs.append(ms)
        ms_anew, _ = median_ms(lambda sql=sql: anew(sql))
        theirs_anew.append(ms_anew)
        print(f"DuckDB {duckdb.__version__}, {name}: {ms:.2f} ms, a connection for each run {ms_anew:.2f} ms, first row {rows[0]}")
    statement = (f"SELECT {columns} FROM financials AT ('{MOMENT}') WHERE industry IN ('Software') "
                 "ORDER BY revenue DESC LIMIT 5")
    said = subprocess.run(["cargo", "bench", "--quiet", "--bench", "sql", "--", str(lake), MOMENT[:10], statement],
                          capture_output=True, text=True, check=True).stdout
    ours = json.loads(said.strip().splitlines()[-1])
    scrub = statement.replace(f" AT ('{MOMENT}')", "")
    said = subprocess.run(["cargo", "bench", "--quiet", "--bench", "sql", "--", str(lake), MOMENT[:10], scrub],
                          capture_output=True, text=True, check=True).stdout
    scrubbed = json.loads(said.strip().splitlines()[-1])
    best = min(theirs)
    print(f"azof, a session for each run: {ours['cold']:.2f} ms ({min(theirs_anew) / ours['cold']:.2f}x)")
    print(f"azof, the same session again: {ours['warm']:.2f} ms ({best / ours['warm']:.2f}x)")
    print(f"azof, the same session, a tick further each run: {scrubbed['scrub']:.2f} ms")


if __name__ == "__main__":
    main()
