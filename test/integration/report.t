#!/usr/bin/env bash
# runs: v1 native
# takes: 20 s
# `memwarden report` of two nodes' journals with 10,000 incidents: each figure is what a
# calculation of its own says; the forms cannot be made to carry what a user has written;
# what is wrong is said.
. "$(dirname "$0")/../lib/tap.sh"

mw () { "$MW_BUILD/handler/memwarden" "$@"; }
lib=$MW_SRC/test/lib a=$TMP/a.jsonl b=$TMP/b.jsonl
python3 "$lib/journals.py" make 10000 7 "$a" "$b"
is 'there are 10,000 incidents' "$(cat "$a" "$b" | grep -c '"event":"resolved"')" 10000

mw report --json "$a" "$b" >"$TMP/all.json"
is 'each figure is right' "$(python3 "$lib/journals.py" check 0 "$a" "$b" <"$TMP/all.json" 2>&1)" ''
since=$(date -u -d "$(jq -r .until "$TMP/all.json") -2 days" +%s)
TZ=UTC mw report --json --since "$(date -u -d "@$since" +%Y-%m-%dT%H:%M:%S)" "$a" "$b" >"$TMP/since.json"
is 'also from a day on' "$(python3 "$lib/journals.py" check "${since}000000" "$a" "$b" <"$TMP/since.json" 2>&1)" ''
ok 'which are fewer' [ "$(jq .jobs "$TMP/since.json")" -lt "$(jq .jobs "$TMP/all.json")" ]
is 'the begin is said' "$(jq -r .since "$TMP/since.json")" "$(date -u -d "@$since" +%Y-%m-%dT%H:%M:%SZ)"

text=$(mw report "$a" "$b")
like 'people are told' "$text" '10000 incidents'
like 'with the rule' "$text" 'Advice for --mem: p95 of the peaks \(nearest rank\) x 1\.1'
is 'nothing steers their terminal' "$(LC_ALL=C grep -c "$(printf '[\001-\010\013-\037\177]')" <<<"$text")" 0
is 'nor turns its direction' "$(grep -c $'\u202e' <<<"$text")" 0
esc=$(LC_ALL=C grep -c "$(printf '[^ -~]')" "$TMP/all.json")
is 'nor does JSON' "$esc" 0

mw report --csv "$a" "$b" >"$TMP/all.csv"
cat >"$TMP/cells.py" <<'END'
import csv, json, sys
rows = list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))
groups = json.load(open(sys.argv[2]))['groups']
print(len(rows) == len(groups), all(None not in r and None not in r.values() for r in rows))
for r in rows:
    for cell in (r['name'], r['user']):
        if cell.lstrip(' ')[:1] in tuple('=+-@|%\t\r\n') and cell.strip():
            print('a formula:', repr(cell))
print([r['name'] for r in rows if r['name'].lstrip("'") == 'a","b'][:1],
      sum(int(r['jobs']) for r in rows) == sum(g['jobs'] for g in groups),
      abs(sum(float(r['over_gib_h']) for r in rows) - sum(g['over_gib_h'] for g in groups)) < .001)
END
is 'CSV is whole, and no cell is a formula' "$(python3 "$TMP/cells.py" "$TMP/all.csv" "$TMP/all.json" |
    tr '\n' ' ')" "True True ['a\",\"b'] True True "

mw report --html "$a" "$b" >"$TMP/all.html"
is 'the page is whole, by itself, and for everybody' "$(python3 "$lib/page.py" "$TMP/all.html")" ''
like 'what would be script is text' "$(python3 "$lib/page.py" "$TMP/all.html" --text)" '<script>alert\(1\)</script>'

# ---- what is wrong is said
bad () { mw report "$@" 2>&1; }
like 'a time that is none' "$(bad --since yesterday "$a")" 'since "yesterday" is not understood; write how long ago \(7d, 12h\), or a day'
like 'one to come' "$(bad --since 2999-01-01 "$a")" '2999-01-01 has yet to come'
like 'a file that is not there' "$(bad "$TMP/none")" "cannot read $TMP/none: No such file"
like 'a file that is no journal' "$(bad "$MW_SRC/COPYING")" 'COPYING is no journal: name a journal\.jsonl of history-dir'
like 'two forms' "$(bad --csv --json "$a")" 'three forms: write one'
head -c 100000 "$a" >"$TMP/torn.jsonl"; printf 'rubbish\n\0\n{"event":"resolved"}\n' >>"$TMP/torn.jsonl"
is 'what is torn is passed over, and counted' "$(mw report --json "$TMP/torn.jsonl" | jq '.jobs > 5 and .unread > 0')" true
is 'an empty one is an empty report' "$(mw report --json /dev/null | jq -c '[.jobs, .incidents, .groups]')" '[0,0,[]]'
done_testing
