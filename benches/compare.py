#!/usr/bin/env python3
"""Measures this project beside DuckDB, Polars and pure decoding, on the same files, and prints a Markdown table.

    pip install duckdb polars pyarrow
    benches/compare.py [--generated DIR] [--runs N] [--skip-terminal] [--json FILE]

The tables are `financials` of the public lake, where that stands beside the project, and invented tables of 100,000,
1,000,000 and 10,000,000 events, which are made in DIR (a folder of the system's temporary one, unless told) where they are
missing. Nobody keeps anything between runs but the system its page cache, and all have the same number of threads.

Everybody's rows and counts are checked against everybody else's: what differs is told, and the exit status is 1. Whether
a target is met changes no status. The Markdown goes to standard output, and how far the work has come to standard error.
"""
import argparse
import codecs
import contextlib
import json
import math
import os
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

THREADS = os.cpu_count() or 1
# Polars looks at this once, when it is imported.
os.environ["POLARS_MAX_THREADS"] = str(THREADS)

import duckdb
import polars as pl

ROOT = Path(__file__).resolve().parent.parent
WARM_UPS = 2
KINDS = ["added", "removed", "changed", "touched", "same"]


def say(text):
    print(text, file=sys.stderr, flush=True)


# ---- the tables


@dataclass
class Table:
    title: str
    lake: Path
    name: str
    column: str
    as_of: str
    across: tuple  # two moments with an edge of segments between them
    within: tuple  # two moments without
    runs: int
    memory: str = None  # what the program may hold; its own default where None
    on_screen: bool = False

    @property
    def folder(self):
        return self.lake / self.name

    @property
    def manifest(self):
        version = (self.folder / "version.txt").read_text().strip()
        return json.loads((self.folder / f"s{version}.json").read_text())

    @property
    def columns(self):
        return [c["name"] for c in self.manifest["schema"]["columns"]]

    def files(self, at):
        """The files that a read at a moment may see, of higher precedence first."""
        return [str(self.folder / name) for name in plan(self.manifest["segments"], at)]

    def selections(self):
        """What is read, under the names that our own bench gives its figures."""
        return {"all": self.columns, "one": [self.column]}


def plan(segments, at):
    files = []
    for s in segments:
        if s["start"] > at or (s.get("end") and at > s["end"]):
            continue
        files += plan(s.get("segments") or [], at)
        deltas = [d for d in s.get("delta") or [] if d["start"] <= at]
        files += [d["file"] for d in sorted(deltas, key=lambda d: d["start"], reverse=True)]
        if s.get("file"):
            files.append(s["file"])
    return files


def last_moments(segments):
    """The last moment of every segment, when all its files are seen; of an open one the first."""
    for s in segments:
        yield s.get("end") or s["start"]
        yield from last_moments(s.get("segments") or [])


def day(text):
    return f"{text}T00:00:00.000Z"


def tables(generated, runs):
    financials = ROOT.parent / "shared/data/azof"
    if (financials / "financials").exists():
        yield Table("financials", financials, "financials", "revenue", day("2019-11-17"),
                    (day("2018-05-17"), day("2019-11-17")), (day("2019-10-05"), day("2019-11-17")), runs or 11, memory="64MB", on_screen=True)
    else:
        say("the public lake is not here: financials is passed over")
    for power in (5, 6, 7):
        lake = generated / f"events_1e{power}"
        # The version is written last, so a table that was interrupted is made again.
        if not (lake / "events/version.txt").exists():
            say(f"making {lake}")
            cargo("run", "--release", "--example", "make_events", "--", lake, 10**power)
        large = power == 7
        yield Table(f"1e{power} events", lake, "events", "price", "2015-08-20T12:00:00.000Z",
                    (day("2014-08-20"), day("2015-08-20")), (day("2015-07-10"), day("2015-08-01" if large else "2015-09-01")),
                    runs or (5 if large else 11), memory="500MB" if large else None, on_screen=large)


def warm(table):
    """Brings the table's files into the page cache."""
    for path in table.folder.iterdir():
        path.read_bytes()


# ---- this project


def run(command, timeout, statuses=(0,)):
    done = subprocess.run([str(c) for c in command], cwd=ROOT, capture_output=True, text=True, timeout=timeout)
    if done.returncode not in statuses:
        sys.exit(f"{' '.join(map(str, command))}\nends with {done.returncode}:\n{done.stderr}")
    return done.stdout


def cargo(*arguments):
    # Long enough for a first build of everything.
    return run(["cargo", arguments[0], "-q", *arguments[1:]], timeout=3600)


def built_program():
    cargo("build", "--release")
    cargo("bench", "--bench", "figures", "--no-run")
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--no-deps"))
    return Path(metadata["target_directory"]) / "release/azof-tui"


def our_figures(table):
    # Built when the program was, so that no build is part of what is watched.
    return json.loads(cargo("bench", "--bench", "figures", "--", table.lake, table.name, "--as-of", table.as_of,
                            "--column", table.column, "--from", table.across[0], "--to", table.across[1],
                            "--within-from", table.within[0], "--within-to", table.within[1], "--runs", table.runs))


def our_rows(program, table):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.parquet"
        run([program, "scan", "--path", table.lake, "--table", table.name, "--as-of", table.as_of, "--format", "parquet",
             "--output", out], timeout=300)
        return pl.read_parquet(out.read_bytes())


def our_counts(program, table, moments):
    # Like diff(1), it ends with 1 where something differs.
    told = run([program, "diff", "--path", table.lake, "--table", table.name, "--from", moments[0], "--to", moments[1],
                "--summary", "--format", "json"], timeout=300, statuses=(0, 1))
    told = json.loads(told)
    return {k: told[k] for k in KINDS} | told["cells"]


class Others:
    """What other programs take of the processors while we measure: with much of it, no figure beside another means anything."""

    def __init__(self):
        self.share = {}

    @contextlib.contextmanager
    def watched(self, stage):
        say(stage)
        began, busy, own = time.perf_counter(), self.busy_s(), self.own_s()
        yield
        others = (self.busy_s() - busy) - (self.own_s() - own)
        self.share[stage] = max(0, others / (time.perf_counter() - began) / THREADS)
        if self.share[stage] > 0.05:
            say(f"{stage}: other programs took {self.share[stage]:.0%} of the processors; measure again when the machine is quiet")

    def told(self):
        if not Path("/proc/stat").exists():
            return "What other programs took meanwhile is not known here."
        return f"Other programs took at most {max(self.share.values(), default=0):.0%} of the processors in any stage."

    @staticmethod
    def busy_s():
        """What all processors have worked so far, and what was taken from a virtual machine's; 0 where the system does not say."""
        with contextlib.suppress(OSError):
            user, nice, system, _, _, irq, soft, stolen, *_ = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:])
            return (user + nice + system + irq + soft + stolen) / os.sysconf("SC_CLK_TCK")
        return 0

    @staticmethod
    def own_s():
        # Children count once they have ended, and none outlives its stage.
        return sum(os.times()[:4])


# ---- the peers: each is asked in several ways, and its quickest counts


def samples(ask, runs):
    """The answer, and the milliseconds of every run after the first ones. Letting go of an answer is not timed."""
    ms = []
    for _ in range(WARM_UPS + runs):
        answer = None
        began = time.perf_counter()
        answer = ask()
        ms.append((time.perf_counter() - began) * 1e3)
    return answer, ms[WARM_UPS:]


class DuckDB:
    title = "DuckDB"

    def __init__(self):
        self.con = duckdb.connect()
        # No order is asked for, so it need keep none; footers are read again in every run, as ours are.
        for setting in ["timezone='UTC'", f"threads={THREADS}", "preserve_insertion_order=false", "parquet_metadata_cache=false"]:
            self.con.execute(f"set {setting}")

    def newest(self, files, columns, at):
        """Queries for the newest row of every key, by name; `precise` alone has the format's rule for equal event times."""
        quoted = ", ".join("'" + f.replace("'", "''") + "'" for f in files)
        rows = f"from read_parquet([{quoted}]) where event_time <= '{at}'::timestamptz"
        names = ", ".join(f'"{c}"' for c in columns)
        fields = ", ".join(f"'{c}': " + f'"{c}"' for c in columns)
        each = ", ".join(f'arg_max_null("{c}", event_time) as "{c}"' for c in columns)
        ranked = f"select key, event_time, {names} {rows} qualify row_number() over (partition by key order by event_time desc"
        return {
            "precise": f"{ranked}, file_index, file_row_number) = 1",
            "row_number": f"{ranked}) = 1",
            "arg_max of a struct": f"select key, max(event_time) as event_time, unnest(arg_max({{{fields}}}, event_time)) {rows} "
                                   "group by key",
            "arg_max of each column": f"select key, max(event_time) as event_time, {each} {rows} group by key",
            "join with max": f"with r as (select key, event_time, {names} {rows}) select r.* from r "
                             "join (select key, max(event_time) as event_time from r group by key) using (key, event_time)",
        }

    def rows(self, files, columns, at):
        queries = self.newest(files, columns, at)
        return {way: lambda q=q: self.con.sql(q).to_arrow_table() for way, q in queries.items()}

    def counts(self, before, after, columns):
        both = "a.key is not null and b.key is not null"
        differs = {c: f'a."{c}" is distinct from b."{c}"' for c in columns}
        changed = " or ".join(differs.values())
        wanted = ["a.key is null", "b.key is null", f"{both} and ({changed})",
                  f"{both} and not ({changed}) and a.event_time <> b.event_time",
                  f"{both} and not ({changed}) and a.event_time = b.event_time", *(f"{both} and {d}" for d in differs.values())]
        wanted = ", ".join(f"count(*) filter ({w})" for w in wanted)
        sides = zip(self.newest(before[0], columns, before[1]).items(), self.newest(after[0], columns, after[1]).values())
        joins = {way: f"select {wanted} from ({a}) a full outer join ({b}) b on a.key = b.key" for (way, a), b in sides}
        names = KINDS + columns
        return {way: lambda q=q: dict(zip(names, self.con.sql(q).fetchall()[0])) for way, q in joins.items()}

    @staticmethod
    def frame(answer):
        return pl.from_arrow(answer)


class Polars:
    title = "Polars"
    engines = ("in-memory", "streaming")

    def newest(self, files, columns, at):
        """Makers of lazy frames with the newest row of every key, as `DuckDB.newest`."""
        at = datetime.fromisoformat(at.replace("Z", "+00:00"))

        def scan():
            return pl.scan_parquet(files).select("key", "event_time", *columns).filter(pl.col("event_time") <= at)

        def join_with_newest(rows, by):
            return rows.join(rows.group_by("key").agg(pl.col(by).max_by("event_time")), on=["key", by], how="semi")

        return {
            # Files are read in the order of the plan, and a stable sort keeps it.
            "precise": lambda: scan().sort("event_time", descending=True, maintain_order=True).unique("key", keep="first"),
            "sort, last": lambda: scan().sort("event_time").unique("key", keep="last", maintain_order=False),
            "max_by": lambda: scan().group_by("key").agg(pl.all().max_by("event_time")),
            "max over key": lambda: scan().filter(pl.col("event_time") == pl.col("event_time").max().over("key")),
            "join with max": lambda: join_with_newest(scan(), "event_time"),
            "join with row": lambda: join_with_newest(scan().with_row_index("row_"), "row_").drop("row_"),
        }

    def rows(self, files, columns, at):
        return self.collected(self.newest(files, columns, at))

    def counts(self, before, after, columns):
        sides = zip(self.newest(before[0], columns, before[1]).items(), self.newest(after[0], columns, after[1]).values())
        joins = {way: lambda a=a, b=b: self.difference(a(), b(), columns) for (way, a), b in sides}
        return {way: lambda ask=ask: ask().row(0, named=True) for way, ask in self.collected(joins).items()}

    def collected(self, ways):
        return {f"{way}, {engine}": lambda lazy=lazy, engine=engine: lazy().collect(engine=engine)
                for way, lazy in ways.items() for engine in self.engines}

    @staticmethod
    def difference(a, b, columns):
        before, after = pl.col("event_time"), pl.col("event_time_b")
        both = before.is_not_null() & after.is_not_null()
        differs = {c: both & pl.col(c).ne_missing(pl.col(f"{c}_b")) for c in columns}
        changed = pl.any_horizontal(differs.values())
        alike = both & ~changed
        kinds = [before.is_null(), after.is_null(), changed, alike & (before != after), alike & (before == after)]
        wanted = dict(zip(KINDS, kinds)) | differs
        return a.join(b, on="key", how="full", coalesce=True, suffix="_b").select(**{k: w.sum() for k, w in wanted.items()})

    @staticmethod
    def frame(answer):
        return answer


class Checks:
    """What all must agree on, and where they did not."""

    def __init__(self, table):
        self.title = table.title
        self.differing = []

    def rows(self, who, expected, found):
        columns = expected.columns
        # Writers differ in the precision of their times, and nobody was asked for an order.
        expected, found = (f.select(columns).with_columns(pl.selectors.datetime().dt.cast_time_unit("ms")).sort("key")
                           for f in (expected, found))
        if not expected.equals(found):
            odd = [a.join(b, on=columns, how="anti", nulls_equal=True) for a, b in ((expected, found), (found, expected))]
            self.differ(f"{who}: {odd[0].height} of our {expected.height} rows it has not, and {odd[1].height} of its "
                        f"{found.height} rows we have not, such as {pl.concat(odd, how='vertical_relaxed').head(2).rows()}")

    def counts(self, who, expected, found):
        if expected != found:
            self.differ(f"{who}: {found}, and we {expected}")

    def differ(self, what):
        say(f"{self.title} DIFFERS, {what}")
        self.differing.append(what)


def ways_to_time(ways, ties):
    return {way: ask for way, ask in ways.items() if not ties or way.startswith("precise")}


def has_ties(peer, files, at):
    """True where a key has two rows of one event time, of which most ways take any."""
    found = peer.con.execute("select count(*) > count(distinct (key, event_time)) from read_parquet(?) "
                             "where event_time <= ?::timestamptz", [files, at]).fetchall()
    return found[0][0]


def measure_peers(program, table, checks, others):
    """The samples of every peer and way, of reads and of the comparison; everybody's answers are checked."""
    duck = DuckDB()
    ours = our_rows(program, table)
    counts = our_counts(program, table, table.across)
    sides = [(table.files(at), at) for at in table.across]
    ties = any(has_ties(duck, *side) for side in [(table.files(table.as_of), table.as_of), *sides])
    measured = {}
    for peer in (duck, Polars()):
        told = measured[peer.title] = {}
        for which, columns in table.selections().items():
            ways = ways_to_time(peer.rows(table.files(table.as_of), columns, table.as_of), ties)
            told[f"cold_{which}"] = {}
            with others.watched(f"{table.title}: {peer.title}, cold_{which}"):
                for way, ask in ways.items():
                    answer, told[f"cold_{which}"][way] = samples(ask, table.runs)
                    checks.rows(f"{peer.title}, {way}", ours.select("key", "event_time", *columns), peer.frame(answer))
        ways = ways_to_time(peer.counts(*sides, table.columns), ties)
        told["compare_across"] = {}
        with others.watched(f"{table.title}: {peer.title}, compare_across"):
            for way, ask in ways.items():
                answer, told["compare_across"][way] = samples(ask, table.runs)
                checks.counts(f"{peer.title}, {way}, {' to '.join(table.across)}", counts, answer)
        # Within an epoch nobody but us is timed: the peers have but one way to compare.
        within = [(table.files(at), at) for at in table.within]
        precise = next(iter(peer.counts(*within, table.columns).values()))
        checks.counts(f"{peer.title}, {' to '.join(table.within)}", our_counts(program, table, table.within), precise())
    return measured


# ---- the program in a terminal

WIDTH, HEIGHT = 140, 42
# A frame's bytes come in a row; after this long without one it is over.
QUIET_S = 0.06
DEADLINE_S = 30
STARTS = 5
PRESSES = 200


class Screen:
    """What a terminal would show of the few sequences that the program writes: moves, styles and text."""

    TOKEN = re.compile(r"\x1b\[([0-9;?>=]*)([@-~])|\x1b[^\[]|(.)", re.DOTALL)
    CUT = re.compile(r"\x1b(\[[0-9;?>=]*)?\Z")

    def __init__(self):
        self.cells = [[" "] * WIDTH for _ in range(HEIGHT)]
        self.row = self.column = 0
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.rest = ""

    def feed(self, chunk):
        text = self.rest + self.decoder.decode(chunk)
        cut = self.CUT.search(text)
        self.rest = text[cut.start():] if cut else ""
        for token in self.TOKEN.finditer(text, 0, cut.start() if cut else len(text)):
            numbers, final, char = token.groups()
            if final == "H":
                row, _, column = numbers.partition(";")
                self.row, self.column = int(row or 1) - 1, int(column or 1) - 1
            elif char and char.isprintable() and self.row < HEIGHT and self.column < WIDTH:
                self.cells[self.row][self.column] = char
                self.column += 1

    def lines(self):
        return ["".join(row) for row in self.cells]

    def is_settled(self):
        """True where the rows are those of the moment asked for; else the first line says what is shown meanwhile."""
        _, has_moment, moment = "".join(self.cells[0]).partition("AS OF")
        return has_moment and "…" not in moment


class Explorer:
    """The program in a pseudo-terminal of its own, with no one's settings."""

    def __init__(self, program, table, home):
        import fcntl
        import pty
        import termios

        command = [str(program), "--path", str(table.lake), "--table", table.name, "--as-of", table.as_of, "--fresh"]
        command += ["--memory", table.memory] if table.memory else []
        homes = {f"XDG_{kind}_HOME": home for kind in ("CONFIG", "CACHE", "DATA", "STATE")}
        environment = os.environ | homes | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "XDG_RUNTIME_DIR": home}
        size = struct.pack("HHHH", HEIGHT, WIDTH, 0, 0)
        self.screen = Screen()
        self.began = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, size)
                os.execve(command[0], command, environment)
            finally:
                os._exit(127)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Leaves by the door, and where that does not open in time, by force."""
        with contextlib.suppress(OSError):
            os.write(self.fd, b"q")
        deadline = time.perf_counter() + 3
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            if time.perf_counter() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                break
            self.read(0.02)
        os.close(self.fd)

    def read(self, timeout_s):
        """The next bytes, or none where none come in time."""
        with contextlib.suppress(OSError):  # the other end is gone
            if select.select([self.fd], [], [], timeout_s)[0]:
                return os.read(self.fd, 1 << 16)
        return b""

    def settle(self, holds, quiet_s=QUIET_S):
        """Reads until no byte comes and the screen holds what is asked; answers when it first did, and the last byte's arrival.

        Nothing is looked at while bytes come, so that looking delays none.
        """
        deadline = time.perf_counter() + DEADLINE_S
        first = last = None
        arrivals = []
        while time.perf_counter() < deadline:
            if chunk := self.read(quiet_s):
                arrivals.append((time.perf_counter(), chunk))
                continue
            for last, chunk in arrivals:
                self.screen.feed(chunk)
                first = first or (last if holds(self.screen) else None)
            arrivals.clear()
            if last and holds(self.screen):
                return first, last
        shown = "\n".join(self.screen.lines())
        sys.exit(f"the program in the terminal did not come to rest in {DEADLINE_S} s; the screen:\n{shown}")

    def press(self, keys, quiet_s=QUIET_S):
        """The milliseconds from the keys to the last byte of what they lead to."""
        pressed = time.perf_counter()
        os.write(self.fd, keys.encode())
        _, last = self.settle(Screen.is_settled, quiet_s)
        return (last - pressed) * 1e3

    def rest(self):
        """Waits for what the program does in the background: until it has used no processor time for a second."""
        deadline = time.perf_counter() + 4 * DEADLINE_S
        spent = -math.inf
        while self.processor_ticks() - spent > 1 and time.perf_counter() < deadline:
            spent = self.processor_ticks()
            second = time.perf_counter() + 1
            while (left := second - time.perf_counter()) > 0:
                self.screen.feed(self.read(left))

    def processor_ticks(self):
        with contextlib.suppress(OSError):
            # The name before the parenthesis may hold anything; user and system time are the 14th and 15th field.
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])
        return 0

    def peak_mb(self):
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{self.pid}/status").read_text()
            return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6
        return None


def measure_on_screen(program, table):
    first = run([program, "scan", "--path", table.lake, "--table", table.name, "--as-of", table.as_of, "--limit", 1,
                 "--format", "ndjson"], timeout=60)
    # The first row in its panel: the cursor's sign, the key, and the date behind it.
    row = re.compile(rf"│\W*{re.escape(json.loads(first)['key'])} +\d{{4}}-\d\d-\d\d")

    def shows_rows(screen):
        return any(row.search(line) for line in screen.lines())

    with tempfile.TemporaryDirectory() as home:
        starts = []
        for _ in range(STARTS):
            with Explorer(program, table, home) as explorer:
                shown, _ = explorer.settle(shows_rows)
                starts.append((shown - explorer.began) * 1e3)
        with Explorer(program, table, home) as explorer:
            explorer.settle(shows_rows)
            explorer.rest()
            explorer.press("3")  # the keys of the rows need their panel
            cursor = [explorer.press("j") for _ in range(PRESSES)]
            scrub = [explorer.press(",") for _ in range(PRESSES)]
        with Explorer(program, table, home) as explorer:
            explorer.settle(shows_rows)
            for at in sorted(set(last_moments(table.manifest["segments"]))):
                explorer.press(f"@{at}\r", quiet_s=0.15)
            explorer.rest()
            peak = explorer.peak_mb()
    return {"first_rows": starts, "scrub": scrub, "cursor": cursor, "peak_mb": peak}


# ---- the report

DASH = "—"


def figure(x):
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def p99(ms):
    return sorted(ms)[math.ceil(len(ms) * 0.99) - 1]


def best(ways):
    """The median of the quickest way."""
    return min(statistics.median(ms) for ms in ways.values())


def mark(text, *holds):
    return f"{text} · {'met' if all(holds) else '**not met**'}"


def beside_peers(result, what, least_duck, decoding=None, most_decoding=None):
    """Our median of a read, with how many times as long the peers take, and how many times as long as decoding it takes."""
    ours = statistics.median(result["ours"][what]["ms"])
    others = {peer: best(ways[what]) for peer, ways in result["peers"].items()}
    parts = [f"{peer} {figure(ms)} = {figure(ms / ours)}x" for peer, ms in others.items()]
    holds = [others["DuckDB"] >= least_duck * ours]
    if decoding:
        least = statistics.median(result["ours"][decoding]["ms"])
        parts.append(f"decoding {figure(least)} = {figure(ours / least)}x")
        holds.append(most_decoding is None or ours <= most_decoding * least)
    return mark(f"{figure(ours)} ms ({', '.join(parts)})", *holds)


def step_cell(result):
    ms = result["ours"]["step"]["ms"]
    # A table may have no step that is small enough to count, inside an epoch.
    return mark(f"{figure(p99(ms))} ms", p99(ms) < 1) if ms else DASH


def growth_cell(small, large):
    if not small:
        return DASH
    a, b = (statistics.median(r["ours"]["same_changes_step"]["ms"]) for r in (small, large))
    return mark(f"{figure(b / a)}x ({figure(a)} to {figure(b)} ms)", b <= 1.5 * a)


def keys_cell(result):
    if not result["terminal"]:
        return DASH
    scrub, cursor = result["terminal"]["scrub"], result["terminal"]["cursor"]
    half, slow, moved = statistics.median(scrub), p99(scrub), statistics.median(cursor)
    return mark(f"`,` {figure(half)} / {figure(slow)} ms, `j` {figure(moved)} ms", half < 5, slow < 16, moved < 2)


def within_cell(result, most_ms):
    told = result["ours"]["compare_within"]
    ms = statistics.median(told["ms"])
    return mark(f"{figure(ms)} ms ({told['changes']:,} changes)", ms < most_ms)


def first_rows_cell(result, most_ms):
    if not result["terminal"]:
        return DASH
    ms = statistics.median(result["terminal"]["first_rows"])
    return mark(f"{figure(ms)} ms", ms < most_ms)


def peak_cell(result, most_mb):
    if not result["terminal"] or not result["terminal"]["peak_mb"]:
        return DASH
    mb = result["terminal"]["peak_mb"]
    return mark(f"{figure(mb)} MB with `--memory {result['memory']}`", mb < most_mb)


def report(results, others):
    tables_told = ("financials", "1e7 events")

    def row(what, target, *cells):
        told = [cell(results[title]) if title in results else DASH for title, cell in zip(tables_told, cells)]
        return f"| {' | '.join([what, target, *told])} |"

    return "\n".join([
        f"{THREADS} cores, as many threads for each; DuckDB {duckdb.__version__}, Polars {pl.__version__}; files in the page cache. "
        f"{others.told()}",
        f"Medians after {WARM_UPS} runs that do not count; of the ways to ask a peer, its quickest. `DuckDB 10.1 = 3x`: it takes three "
        "times as long as we do. `decoding 2.6 = 1.3x`: we take 1.3 times as long as decoding alone.",
        "",
        f"| what | target | {' | '.join(tables_told)} |",
        "|---|---|---|---|",
        row("cold read as of a moment, all columns", "≥ 3x DuckDB; 1e7: ≤ 1.5x decoding",
            lambda r: beside_peers(r, "cold_all", 3, "decode_all"),
            lambda r: beside_peers(r, "cold_all", 3, "decode_all", 1.5)),
        row("cold read as of a moment, one column", "≥ 3x DuckDB; 1e7: ≥ 2x, ≤ 1.5x decoding",
            lambda r: beside_peers(r, "cold_one", 3, "decode_one"),
            lambda r: beside_peers(r, "cold_one", 2, "decode_one", 1.5)),
        row("step to the next tick inside an epoch, p99", "< 1 ms", step_cell, step_cell),
        row("growth of a step of as many changes, 1e5 to 1e7", "≤ 1.5x",
            lambda r: DASH, lambda r: growth_cell(results.get("1e5 events"), r)),
        row("key to last byte: scrub median / p99, cursor median", "< 5 / 16 ms, < 2 ms", keys_cell, keys_cell),
        row("comparison within an epoch", "< 2 ms; 1e7: < 10 ms", lambda r: within_cell(r, 2), lambda r: within_cell(r, 10)),
        row("comparison across epochs, cold", "≥ 5x DuckDB",
            lambda r: beside_peers(r, "compare_across", 5), lambda r: beside_peers(r, "compare_across", 5)),
        row("start to first rows", "< 100 ms; 1e7: < 700 ms", lambda r: first_rows_cell(r, 100), lambda r: first_rows_cell(r, 700)),
        row("peak memory of a scrub through all epochs", "< 150 MB; 1e7: < 1.2 GB",
            lambda r: peak_cell(r, 150), lambda r: peak_cell(r, 1200)),
    ])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generated", type=Path, default=Path(tempfile.gettempdir()) / "azof-bench", metavar="DIR",
                        help="where the invented tables are, or are made")
    parser.add_argument("--runs", type=int, metavar="N", help="runs that count (11, and 5 for the largest table)")
    parser.add_argument("--skip-terminal", action="store_true", help="leave out what needs a terminal")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples to this file")
    told = parser.parse_args()
    if os.name != "posix" and not told.skip_terminal:
        say("no pseudo-terminals here: what needs one is passed over")
        told.skip_terminal = True
    return told


def main():
    told = arguments()
    program = built_program()
    found = list(tables(told.generated.resolve(), told.runs))
    others = Others()
    on_screen = {}
    # First of all: a process that has started threads and holds much memory forks slowly.
    for table in found:
        warm(table)
        if table.on_screen and not told.skip_terminal:
            with others.watched(f"{table.title}: the program in a terminal"):
                on_screen[table.title] = measure_on_screen(program, table)
    results = {}
    differing = False
    for table in found:
        warm(table)
        checks = Checks(table)
        with others.watched(f"{table.title}: this project"):
            ours = our_figures(table)
        results[table.title] = {"ours": ours, "peers": measure_peers(program, table, checks, others),
                                "terminal": on_screen.get(table.title), "memory": table.memory,
                                "differing": checks.differing}
        differing = differing or bool(checks.differing)
    if told.json:
        facts = {"cores": THREADS, "duckdb": duckdb.__version__, "polars": pl.__version__, "others_took": others.share}
        told.json.write_text(json.dumps(facts | {"tables": results}, indent=1))
    print(report(results, others))
    sys.exit("rows or counts differ, see above" if differing else 0)


if __name__ == "__main__":
    main()
