#!/usr/bin/env python3
"""Writes the expected results of the statements in *.slt, as DuckDB gives them over the planned files.

    pip install duckdb pytz
    tests/sql/make_expected.py LAKE [FILE.slt ...]         writes the results; without files, all beside this script
    tests/sql/make_expected.py --check LAKE [FILE.slt ...] writes nothing; exit status 1 where a file would change

Nothing of this project runs here. Each table of a statement becomes a table of its own, made before the statement runs:
the rows of the files that the manifest plans for the moment, reduced to the newest row of each key (equal event times: the
file of higher precedence, then the earlier row). So nothing in the statement can reach below that reduction.

What a table may be followed by: nothing or AT ('current') for current; AT ('TIME'), AT (TIMESTAMP => 'TIME'),
FOR SYSTEM_TIME AS OF 'TIME', where TIME is a date (its midnight in UTC) or RFC 3339, finer than a millisecond floored;
or, in place of the text, an expression that DuckDB folds. Everything else ends the script; a `statement error` block is
one that must end so.

Values as text (the program under test prints by the same rules):
    T  as it is; \\ tab, line feed, carriage return as \\\\ \\t \\n \\r; the empty string as (empty)
    I  digits, with a minus sign where negative
    R  as C's %.4f, then trailing zeros and a trailing point removed; -0 is 0; NaN, inf, -inf
    B  true or false
    P  2019-01-01T00:00:00Z in UTC; where the milliseconds are not 0, with three digits of them: 2019-01-01T00:00:00.250Z
    null of every type is NULL. The columns of a row are parted by one tab. `rowsort` sorts the rows as lists of these
    texts, by bytes; `nosort` keeps the order of the statement.

What the script makes sure of, besides:
  - an answer does not hang on the order of rows in the tables: each statement runs over them in two orders;
  - the letters after `query` are the types of the columns, and integers fit 64 bits;
  - an engine that drops the clause and answers with current data answers otherwise, save where a comment line of the block
    says `# same as current: WHY`;
  - each engine that the block names with `# wrong engine: KIND` answers otherwise. Kinds:
        filter PREDICATE          filters the rows before the newest of a key is found
        top N by ORDER            cuts to the first N rows in that order before the newest of a key is found
        all versions              does not reduce
        no time limit             reads all rows of the planned files, those after the moment among them
        moment + N, moment - N    reads N ms later or earlier
"""
import datetime
import glob
import json
import os
import re
import sys

import duckdb

TOKEN = re.compile(r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \s+ | => | [A-Za-z_]\w* | . """, re.X | re.S)
# Words that may follow a table and are no alias of it.
NO_ALIAS = set("""WHERE GROUP HAVING ORDER LIMIT OFFSET FETCH UNION EXCEPT INTERSECT ON USING JOIN INNER LEFT RIGHT FULL CROSS
NATURAL SEMI ANTI QUALIFY WINDOW""".split())
TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d))?$")
TYPES = {"String": "VARCHAR", "Int": "BIGINT", "Boolean": "BOOLEAN", "DateTime": "TIMESTAMPTZ", "Float": "DOUBLE"}
LETTERS = {"VARCHAR": "T", "TINYINT": "I", "SMALLINT": "I", "INTEGER": "I", "BIGINT": "I", "HUGEINT": "I", "UBIGINT": "I",
           "DOUBLE": "R", "BOOLEAN": "B", "TIMESTAMP": "P", "TIMESTAMP WITH TIME ZONE": "P"}


class Refused(Exception):
    """What this script cannot, or must not, translate."""


def time_ms(text):
    """Milliseconds since 1970 of a date or an RFC 3339 time."""
    parts = TIME.match(text)
    if not parts:
        raise Refused(f"'{text}' is no date and no RFC 3339 time")
    day, clock, fraction, zone = parts.groups()
    try:
        at = datetime.datetime.fromisoformat(f"{day}T{clock or '00:00:00'}" + ("+00:00" if zone in (None, "Z") else zone))
    except ValueError as e:
        raise Refused(f"'{text}': {e}") from e
    return int(at.timestamp()) * 1000 + int(((fraction or ".")[1:] + "000")[:3])


class Wrong:
    """An engine with one fault, made from what stands behind `# wrong engine:`."""

    def __init__(self, text):
        self.text, self.filter, self.top = text, "true", ""
        self.reduce, self.time_limit, self.shift, self.current = True, True, 0, False
        if m := re.match(r"filter (.+)$", text):
            self.filter = m[1]
        elif m := re.match(r"top (\d+) by (.+)$", text):
            self.top = f"order by {m[2]} limit {m[1]}"
        elif m := re.match(r"moment ([+-]) (\d+)$", text):
            self.shift = int(m[1] + m[2])
        elif text == "all versions":
            self.reduce = False
        elif text == "no time limit":
            self.time_limit = False
        elif text == "current":
            self.current = True
        elif text != "none":
            raise SystemExit(f"no such wrong engine: {text}")


RIGHT = Wrong("none")


class Table:
    """One table of the lake, by its manifest."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "version.txt")) as f:
            version = f.read().strip()
        with open(os.path.join(folder, f"s{version}.json")) as f:
            manifest = json.load(f)
        self.segments = manifest["segments"]
        self.columns = [("key", "VARCHAR"), ("event_time", "TIMESTAMPTZ")]
        self.columns += [(c["name"], TYPES[c["data_type"]]) for c in manifest["schema"]["columns"]]

    def plan(self, at, segments=None, out=None):
        """The files that a read at `at` (ms, or None for current) may see, of highest precedence first."""
        out = [] if out is None else out
        for s in self.segments if segments is None else segments:
            if at is None:
                if s.get("end"):
                    continue
            elif time_ms(s["start"]) > at or (s.get("end") and at > time_ms(s["end"])):
                continue
            self.plan(at, s.get("segments") or [], out)
            deltas = [d for d in s.get("delta") or [] if at is None or time_ms(d["start"]) <= at]
            deltas.sort(key=lambda d: time_ms(d["start"]), reverse=True)
            out += [d["file"] for d in deltas]
            if s.get("file"):
                out.append(s["file"])
        return out

    def select(self, at, wrong):
        """The statement that gives the table as of `at`."""
        names = ", ".join(f'"{n}"' for n, _ in self.columns)
        cast = ", ".join(f'cast("{n}" as {t}) as "{n}"' for n, t in self.columns)
        files = self.plan(at)
        rows = " union all ".join(
            f"select {rank} as file_, file_row_number as row_, {cast} "
            f"from read_parquet('{os.path.join(self.folder, name)}', file_row_number = true)"
            for rank, name in enumerate(files)
        ) or "select 0 as file_, 0 as row_, " + ", ".join(f'null::{t} as "{n}"' for n, t in self.columns) + " where false"
        limit = f"epoch_ms(event_time) <= {at}" if at is not None and wrong.time_limit else "true"
        rows = f"select * from ({rows}) where {limit} and ({wrong.filter}) {wrong.top}"
        if not wrong.reduce:
            return f"select {names} from ({rows})"
        newest = "row_number() over (partition by key order by event_time desc, file_, row_)"
        return f"select {names} from (select *, {newest} as newest_ from ({rows})) where newest_ = 1"


class Lake:
    """All tables of a lake, and those made in DuckDB for a moment."""

    def __init__(self, folder):
        self.con = duckdb.connect()
        self.con.execute("set timezone = 'UTC'")
        # The order of nulls where a statement does not say it, as the engine under test has it.
        self.con.execute("set default_null_order = 'nulls_last_on_asc_first_on_desc'")
        names = [n for n in sorted(os.listdir(folder)) if os.path.exists(os.path.join(folder, n, "version.txt"))]
        self.tables = {n: Table(os.path.join(folder, n)) for n in names}
        self.made = {}

    def at(self, table, at, wrong, turned):
        """The name of the DuckDB table that holds `table` as of `at`; `turned` is the same in another row order."""
        shifted = at if at is None or not wrong.shift else at + wrong.shift
        fault = "none" if wrong.shift or wrong.current else wrong.text
        what = (table, None if wrong.current else shifted, fault, turned)
        if what not in self.made:
            self.made[what] = f"made_{len(self.made)}"
            order = "hash(key) desc, event_time desc" if turned else "key, event_time"
            self.con.execute(f"create temp table {self.made[what]} as select * from ({self.tables[table].select(what[1], wrong)}) order by {order}")
        return self.made[what]

    def moment(self, tokens):
        """Milliseconds, or None for current, of what stands in a clause."""
        text = "".join(tokens).strip()
        if m := re.fullmatch(r"'((?:[^']|'')*)'", text):
            return None if m[1].lower() == "current" else time_ms(m[1])
        if "=>" in text or not text:
            raise Refused(f"AT ({text})")
        try:
            ms = self.con.execute(f"select epoch_ms(cast(({text}) as timestamptz))").fetchone()[0]
        except duckdb.Error as e:
            raise Refused(f"{text} is no constant: {e}") from e
        if ms is None:
            raise Refused(f"{text} is null")
        return ms

    def translate(self, sql, wrong=RIGHT, turned=False):
        """The statement for DuckDB, and the moments in it."""
        tokens, out, moments, i, before = TOKEN.findall(sql), [], [], 0, ""

        def after(j):
            """The place of the next token that is no space or comment."""
            while j < len(tokens) and (tokens[j].isspace() or tokens[j].startswith(("--", "/*"))):
                j += 1
            return j

        def words(j, *expected):
            """The place behind these words, or None."""
            for w in expected:
                j = after(j)
                if j >= len(tokens) or tokens[j].upper() != w:
                    return None
                j += 1
            return j

        while i < len(tokens):
            token = tokens[i]
            i += 1
            if token.lower() not in self.tables or words(i, ".") is not None or before == ".":
                if token.upper() in ("BEFORE", "SYSTEM_TIME") or (token.upper() == "AT" and words(i, "(") is not None):
                    raise Refused(f"a version clause behind {before}, which is no table of the lake")
                out.append(token)
                if i > after(i - 1):
                    before = token.upper()
                continue
            if before not in ("FROM", "JOIN", ","):
                raise Refused(f"{token} behind {before or 'nothing'}")
            at = None
            if (j := words(i, "AT", "(")) is not None:
                start, depth = j, 1
                while depth:
                    if j >= len(tokens):
                        raise Refused("a parenthesis is missing")
                    depth += {"(": 1, ")": -1}.get(tokens[j], 0)
                    j += 1
                inner = words(start, "TIMESTAMP", "=>") or start
                at, i = self.moment(tokens[inner:j - 1]), j
                moments.append(at)
            elif (j := words(i, "FOR", "SYSTEM_TIME", "AS", "OF")) is not None:
                start, depth = j, 0
                while j < len(tokens) and (depth or tokens[j].upper() not in NO_ALIAS | {"AS", ")", ",", ";"}):
                    depth += {"(": 1, ")": -1}.get(tokens[j], 0)
                    j += 1
                at, i = self.moment(tokens[start:j]), j
                moments.append(at)
            elif words(i, "BEFORE") or words(i, "FOR") or words(i, "TIMESTAMP") or words(i, "VERSION"):
                raise Refused(f"the clause behind {token}")
            made = self.at(token.lower(), at, wrong, turned)
            j = after(i)
            named = j < len(tokens) and re.match(r"[A-Za-z_]", tokens[j]) and tokens[j].upper() not in NO_ALIAS
            out.append(made + " " if named else f"{made} as {token.lower()} ")
            before = token.upper()
        return "".join(out), moments

    def answer(self, sql, types, sort, wrong=RIGHT, turned=False):
        """The rows of a statement, as texts, in the order that the block asks for."""
        translated, _ = self.translate(sql, wrong, turned)
        got = self.con.execute(translated)
        letters = "".join(LETTERS.get(str(d[1]), f"<{d[1]}>") for d in got.description)
        if letters != types:
            raise Refused(f"the columns are {letters}, not {types}")
        rows = [[text(v, t) for v, t in zip(row, letters)] for row in got.fetchall()]
        return sorted(rows, key=lambda row: [v.encode() for v in row]) if sort == "rowsort" else rows


def text(value, letter):
    """A value by the rules in the head of this script."""
    if value is None:
        return "NULL"
    if letter == "T":
        escaped = value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
        return escaped or "(empty)"
    if letter == "I":
        if not -(2**63) <= value < 2**63:
            raise Refused(f"{value} does not fit 64 bits")
        return str(value)
    if letter == "R":
        if value != value:
            return "NaN"
        if value in (float("inf"), float("-inf")):
            return "inf" if value > 0 else "-inf"
        short = f"{value:.4f}".rstrip("0").rstrip(".")
        return "0" if short == "-0" else short
    if letter == "B":
        return "true" if value else "false"
    if value.tzinfo:
        value = value.astimezone(datetime.timezone.utc)
    if value.microsecond % 1000:
        raise Refused(f"{value} is finer than a millisecond")
    ms = f".{value.microsecond // 1000:03}" if value.microsecond else ""
    return value.strftime("%Y-%m-%dT%H:%M:%S") + ms + "Z"


def block_error(lake, sql):
    """A `statement error` must be one that is refused here too."""
    try:
        lake.con.execute(lake.translate(sql)[0]).fetchall()
    except (Refused, duckdb.Error):
        return
    raise Refused("gives an answer, though the block expects an error")


def block_query(lake, head, sql, notes, seen):
    """The lines of results of a `query` block, after all that the head of this script promises."""
    if len(head) != 3 or head[2] not in ("nosort", "rowsort"):
        raise Refused(f"{' '.join(head)}: write query TYPES nosort|rowsort")
    right = lake.answer(sql, head[1], head[2])
    if right != lake.answer(sql, head[1], head[2], turned=True):
        raise Refused("the answer hangs on the order of rows in the tables")
    wrongs = [Wrong(n[1]) for n in notes if n[0] == "wrong engine"]
    seen["named"] += len(wrongs)
    same = any(n[0] == "same as current" for n in notes)
    dated = any(m is not None for m in lake.translate(sql)[1])
    if same and not dated:
        raise Refused("says that it is the same as current, and names no other moment")
    if dated and not same:
        wrongs.append(Wrong("current"))
        seen["clause"] += 1
    for wrong in wrongs:
        if lake.answer(sql, head[1], head[2], wrong) == right:
            raise Refused(f"an engine at fault ({wrong.text}) gives the same answer")
    if same and lake.answer(sql, head[1], head[2], Wrong("current")) != right:
        raise Refused("says that it is the same as current, and is not")
    return ["\t".join(row) for row in right]


def remake(lake, path):
    """The new text of a file, and how many of its blocks there are."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    out, notes, i, faults = [], [], 0, 0
    seen = {"query": 0, "error": 0, "named": 0, "clause": 0}
    while i < len(lines):
        line, at = lines[i], i + 1
        out.append(line)
        i += 1
        if m := re.match(r"# (wrong engine|same as current): (.+)$", line):
            notes.append((m[1], m[2]))
        if not line.startswith(("query ", "statement ")):
            notes = notes if line.startswith("#") else []
            continue
        sql, old = [], []
        while i < len(lines) and lines[i] not in ("", "----"):
            sql.append(lines[i])
            i += 1
        out += sql
        while i < len(lines) and lines[i] != "":
            old.append(lines[i])
            i += 1
        statement = "\n".join(sql)
        try:
            if line.startswith("query "):
                seen["query"] += 1
                out += ["----"] + block_query(lake, line.split(), statement, notes, seen)
            elif line == "statement error":
                seen["error"] += 1
                block_error(lake, statement)
            else:
                raise Refused(f"{line}: only query and statement error are known here")
        except (Refused, duckdb.Error) as e:
            faults += 1
            out += old
            print(f"{path}:{at}: {e}\n  {statement}", file=sys.stderr)
        notes = []
    if faults:
        raise SystemExit(f"{path}: {faults} blocks at fault; nothing is written")
    return "\n".join(out), seen


def main():
    check = "--check" in sys.argv
    args = [a for a in sys.argv[1:] if a != "--check"]
    if not args:
        raise SystemExit(__doc__)
    lake = Lake(args[0])
    paths = args[1:] or sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "*.slt")))
    changed = 0
    for path in paths:
        made, seen = remake(lake, path)
        with open(path, encoding="utf-8") as f:
            differs = f.read() != made
        changed += differs
        if differs and not check:
            with open(path, "w", encoding="utf-8") as f:
                f.write(made)
        state = "equal" if not differs else "DIFFERS" if check else "written"
        print(f"{path}: {seen['query']} queries, {seen['error']} errors; {seen['named']} wrong engines named and told apart, "
              f"{seen['clause']} queries tell a dropped clause: {state}")
    sys.exit(1 if check and changed else 0)


if __name__ == "__main__":
    main()
