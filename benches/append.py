#!/usr/bin/env python3
"""Measures an append of CSV: rows a second, and the most memory that the program took. The README's figures are its.

    cargo build --release
    benches/append.py [--rows 10000000] [--azof target/release/azof-tui]

The rows are invented, seeded, and come in no order: a tenth as many keys, whole seconds of a year, a price, a count and
a text; about a hundred bytes each. The CSV, the lake and what is sorted aside lie in the system's folder for temporary
files (TMPDIR names another), which needs three times the CSV's room. At 10^7 rows all takes about two minutes.
"""
import argparse, os, pathlib, random, subprocess, sys, tempfile, time

BLOCK = 100_000
SECONDS = 366 * 86_400
TEXTS = ["open", "packed and ready", "shipped by sea", "delivered", "returned by the customer"]


def write_csv(path, rows):
    """A block of rows is invented once; each further one has other keys and times, by odd steps that never repeat."""
    seeded = random.Random(0xA20F)
    tails = [f",{seeded.random() * 1e4:.6f},{seeded.randrange(10**9)},{seeded.choice(TEXTS)}, note {i:032d}\n"
             for i in range(BLOCK)]
    days = [time.strftime("%Y-%m-%d", time.gmtime(1_704_067_200 + 86_400 * d)) for d in range(366)]
    keys = max(rows // 10, 1)
    with open(path, "w", buffering=1 << 20) as out:
        out.write("key,event_time,price,count,status,note\n")
        for start in range(0, rows, BLOCK):
            lines = []
            for i in range(start, min(start + BLOCK, rows)):
                # Steps coprime to what they go round in: no key repeats a second before all were used.
                day, second = divmod(i * 7_368_787 % SECONDS, 86_400)
                minute, second = divmod(second, 60)
                hour, minute = divmod(minute, 60)
                status, note = tails[i % BLOCK].rsplit(",", 1)
                lines.append(f"k{i * 7919 % keys:09d},{days[day]}T{hour:02d}:{minute:02d}:{second:02d}Z{status},{note}")
            out.write("".join(lines))


def run(*command):
    """Runs a command; answers what it said, how long it took, and its peak of memory in bytes."""
    started = time.perf_counter()
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}: {said}")
    return said, time.perf_counter() - started, usage.ru_maxrss * 1024


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--azof", default="target/release/azof-tui")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        csv, lake = f"{folder}/rows.csv", f"{folder}/lake"
        write_csv(csv, asked.rows)
        table = ["--path", lake, "--table", "t"]
        columns = "price:Float,count:Int,status:String,note:String"
        run(asked.azof, "create", *table, "--columns", columns, "--segments", "month")
        said, seconds, memory = run(asked.azof, "append", *table, csv)
        size = pathlib.Path(csv).stat().st_size
        print(said.strip().splitlines()[-1])
        print(f"{asked.rows:,} rows, {size / 1e9:.2f} GB of CSV: {seconds:.1f} s, "
              f"{asked.rows / seconds:,.0f} rows/s, {memory / 1e6:.0f} MB at most, {os.cpu_count()} cores")


main()
