#!/usr/bin/env bash
# The life of a table of daily prices: made, fed, corrected, compacted, changed, checked; and what was known when.
#
#     docs/prices.sh AZOF_TUI FOLDER
#
# FOLDER is made and then holds the lake. The tests run this script and look at what it prints.
set -euo pipefail

azof=$1
mkdir -p "$2"
cd "$2"
lake=lake

# One price a day and share, from the day FROM to the day before UNTIL; NUMBER counts the days before.
prices() { # FROM UNTIL NUMBER
    local day=$1 number=$3
    echo "key,event_time,price,sold"
    while [[ "$day" < "$2" ]]; do
        local i=0
        for share in ACME BOLT CORE; do
            i=$((i + 1))
            echo "$share,$day,$((100 * i + number % 17)).5,$((number * i))"
        done
        number=$((number + 1))
        day=$(date -u -d "$day + 1 day" +%F)
    done
}

echo "# a table, made like its first file"
prices 2024-01-01 2024-07-01 0 >first.csv
"$azof" create --path "$lake" --table prices --like first.csv --segments month
"$azof" append --path "$lake" --table prices first.csv

echo "# a month more"
prices 2024-07-01 2024-08-01 182 >july.csv
"$azof" append --path "$lake" --table prices july.csv

echo "# a day half a year ago was wrong"
printf 'key,event_time,price,sold\nBOLT,2024-02-14,999,7\n' >correction.csv
"$azof" append --path "$lake" --table prices correction.csv

echo "# what we say now of that day, and what we said before"
"$azof" scan --path "$lake" --table prices --as-of 2024-02-14 --format csv
"$azof" scan --path "$lake" --table prices --as-of 2024-02-14 --format csv --version 3

echo "# that day and the day before, with the correction and without"
"$azof" diff --path "$lake" --table prices --from 2024-02-13 --to 2024-02-14 --format ndjson --columns price || [ $? = 1 ]
"$azof" diff --path "$lake" --table prices --from 2024-02-13 --to 2024-02-14 --format ndjson --columns price --version 3 || [ $? = 1 ]

echo "# compaction: what it would do, and doing it; no answer changes"
"$azof" scan --path "$lake" --table prices --as-of 2024-02-14 --format csv --output before.csv
"$azof" compact --path "$lake" --table prices --dry-run
"$azof" compact --path "$lake" --table prices
"$azof" scan --path "$lake" --table prices --as-of 2024-02-14 --format csv --output after.csv
cmp before.csv after.csv

echo "# columns change"
"$azof" evolve --path "$lake" --table prices --rename sold=volume --widen volume --add currency:String
"$azof" scan --path "$lake" --table prices --format csv

echo "# all is well"
"$azof" check --path "$lake" --table prices --deep --format csv
"$azof" versions --path "$lake" --table prices --format csv | cut -d, -f1,3,4
