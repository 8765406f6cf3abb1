#!/usr/bin/env bash
# answers_flood.t - whoever the courier runs as puts 20,000 answers into the spool, and
# things that are none: jobs at their limit are answered before those are read, what
# nobody has asked for is gone unread, and an answer among them is still heard.
# takes: 75 s
# runs: v1 v2
# in-vm: newest-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

python=/usr/bin/python3
[ -x $python ] || skip_all 'no python3'
count=20000
printf '#!/bin/sh\necho noted\n' >"$TMP/note"
chmod 755 "$TMP/note"
warden_start "hook note { path = \"$TMP/note\" timeout = \"60s\" }
courier {
start = true
path = \"$MW_BUILD/handler/memwarden-courier\"
user = \"root\"
}" || exit 1
ans=$WARDEN_STATE/spool/ans
# flood FIRST [FILE]: so many answers, each made as the courier makes them; with FILE
# more and more, until that is there
flood () {
    $python - "$ans" "$1" "$((count + $1))" "${2:-}" <<'END'
import os, sys
ans, i, last, until = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
os.chdir(ans)
while not os.path.exists(until) if until else i < last:
    name = "none.%010d.comment" % i
    with open("." + name, "w") as f:
        f.write('{"id":"%s","ok":true,"text":"x"}' % name)
    os.rename("." + name, name)
    i += 1
END
}
left () { find "$ans" -name 'none.*' | wc -l; }
# waits NAME: the job is at its limit, and nobody has answered
waits () {
    local dir
    dir=$(last_state "$1" memory)
    grep -qs 'under_oom 1' "$dir/memory.oom_control" ||
        grep -Eqs '^high [1-9]' "$dir/memory.events"
}
# oom NAME LADDER: one that reaches its limit when there is a file NAME.go
oom () {
    run_job "$1" --reservation 32M --limit 32M --on-oom "$2" -- sh -c \
        "until [ -e $TMP/$1.go ]; do sleep 0.05; done; exec $TOUCHMEM --size 60M"
    jobs[${#jobs[@]}]=$!
    must "a job $1 is registered" wait_for 20 journal_has "$1" registered
}
jobs=()
oom "grow$$" 'grow=64M@1m,kill'
oom "again$$" 'grow=64M@1m,kill'
oom "dump$$" 'dump=note@2m,kill'

warden_unguarded
kill -STOP "$WARDEN_PID"
at_exit 'kill -CONT $WARDEN_PID'
flood 1
is 'so many answers are there' "$(left)" $count
touch "$TMP/grow$$.go"
must 'a job is at its limit' wait_for 60 waits "grow$$"
kill -CONT "$WARDEN_PID"
wait_end 120 "${jobs[0]}"; is 'it is lent memory, and goes on' $? 0
none_left () { [ "$(left)" = 0 ]; }
ok 'the answers are read' wait_for 120 none_left
# the directory's time is that of the last one's removal
lent=$(sed -n "s/^{\"t\":\"\([^\"]*\)\".*\"event\":\"lent\",\"job\":\"grow$$\".*/\1/p" "$WARDEN_STATE/journal.jsonl")
ok "behind it: it was lent memory at ${lent:-no time}" \
    [ "$(date -d "$lent" +%s%N)" -lt "$(stat -c %.9Y "$ans" | tr -d .)" ]
flood 100000 "$TMP/enough" &
flooder=$!
at_exit 'kill $flooder'
touch "$TMP/again$$.go"
wait_end 60 "${jobs[1]}"; is 'so is one that comes while there are more and more' $? 0
ok 'which there are' kill -0 $flooder
touch "$TMP/enough"
wait $flooder

# what else can be in the place of an answer
mkfifo "$ans/none.1.comment"
mkdir "$ans/none.2.comment" "$ans/none.3.comment" "$ans/none.3.comment/full"
ln -s /etc/passwd "$ans/none.4.comment"
: >"$TMP/secret"
ln "$TMP/secret" "$ans/none.5.comment" 2>/dev/null
truncate -s 1G "$ans/none.6.comment"
$python -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$ans/none.7.comment"
printf x >"$ans/$(printf 'none.\033[2J\n8')"
printf x >"$ans/$(printf 'n%.0s' {1..255})"
flood 10000000
touch "$TMP/dump$$.go"
wait_end 120 "${jobs[2]}"; is 'the answer that is waited for is heard among them: killed' $? 137
like 'and on record' "$(mw events)" "dump$$.*the answer to dump$$\.[0-9]*\.hook: done"
gone () { [ "$(find "$ans" -mindepth 1 -not -name '.*' -not -path "*none.3.comment*" | wc -l)" = 0 ]; }
ok 'in the end none is left but what cannot be removed' wait_for 120 gone
like 'which the log says' "$(cat "$WARDEN_LOG")" 'answers in .*spool/ans that nobody has asked for'
ok 'once a minute' [ "$(grep -c 'nobody has asked for' "$WARDEN_LOG")" -le $((2 + SECONDS / 60)) ]
is 'no link was followed' "$(grep -c root: /etc/passwd)$([ -e "$TMP/secret" ] && echo there)" 1there
done_testing
