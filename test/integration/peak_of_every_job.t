#!/usr/bin/env bash
# runs: v1 v2
# in-vm: newest-v2
# takes: 40 s
# The true peak of each job, also of one that nobody had to touch and that ended as soon
# as it had grown: the kernel's own high-water mark, without files' page cache, within
# 5 %, at the job's end, in `memwarden why`.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start '' || { fail 'a cluster'; done_testing; exit; }
gone () { journal_has "$1" released; }
released () { jq -r --arg k "$1" 'select (.job == $k and .event == "released") | '"$2" \
    "$WARDEN_STATE/journal.jsonl" | tail -n 1; }
# near NAME BYTES MIB: within 5 %
near () {
    local at_least=$(($3 * 95 * 1048576 / 100)) most=$(($3 * 105 * 1048576 / 100))
    if [ "${2:-0}" -ge $at_least ] && [ "$2" -le $most ]; then pass "$1 ($(($2 >> 20)) of $3 MiB)"
    else fail "$1" "got: $2" "want: $at_least to $most"; fi
}
TOUCH=$CLUSTER_BIN/touchmem

job=$(submit --mem=400 --wrap "$TOUCH --size 360M")
# cache N: a command that leaves 120 MiB of page cache, of other files for each N (1, 2);
# where what is written is memory (a VM), of files that nobody has read there yet
file=$CLUSTER_DIR/out/file
big () { find /usr -xdev -type f -size +4M -printf '%p\n' | sort | awk -v n="$1" 'NR % 2 == n % 2' | xargs; }
cache () {
    if [ "$(stat -f -c %T "$CLUSTER_DIR/out")" = tmpfs ]; then
        echo "cat $(big "$1") 2>/dev/null | head -c 120M >/dev/null"
    else
        echo "dd if=/dev/zero of=$file.$1 bs=1M count=120 2>/dev/null; sync $file.$1"
    fi
}
both=$(submit --mem=600 --wrap "$(cache 1); $TOUCH --size 240M")
wait_for 120 gone "$job"; wait_for 120 gone "$both"
after=$(submit --mem=600 --wrap "$TOUCH --size 240M; $(cache 2)")
step=$(submit --mem=400 --wrap "srun --mem=300 $TOUCH --size 280M")
wait_for 120 gone "$after"; wait_for 120 gone "$step"

is 'a job of 400M ends without an OOM' "$(journal_count "$job" detected)" 0
near 'its peak is on record' "$(released "$job" .peak_used)" 360
like 'why says how much of what it asked for that is' "$(mw why "$job")" \
    'memory +used at most 3[0-9]{2} MiB of 400 MiB \((8[6-9]|9[0-4]) %\), in '
near "a step's is its job's" "$(released "$step" .peak_used)" 280
near 'what was read and written before is not counted' "$(released "$both" .peak_used)" 240
near 'nor what was after' "$(released "$after" .peak_used)" 240
like 'why says so' "$(mw why "$both")" 'with files.? page cache, which the kernel takes back, 3[0-9]{2} MiB, in '
rm -f "$file".[12]

# ---- as a page, of a job that had an OOM beside a neighbour's
name='<script>alert("x")</script>&amp;'
hog () { submit --mem=60 --job-name="$1" --on-oom=hold@3s,kill --wrap "exec $TOUCH --size 200M"; }
job=$(hog "$name") other=$(hog other)
wait_for 120 gone "$job"; wait_for 120 gone "$other"
mw why "$job" --html >"$TMP/why.html" 2>&1
is 'the page is whole, by itself, and for everybody' "$(python3 "$MW_SRC/test/lib/page.py" "$TMP/why.html")" ''
text=$(python3 "$MW_SRC/test/lib/page.py" "$TMP/why.html" --text)
like 'it is about the job, whose name is a text' "$text" "Memory of job $job .*<script>alert\("
like 'with what it used' "$text" 'used at most [67][0-9.]+ MiB of 60(\.0)? MiB'
drawing=$(sed -n '/<svg/,/<\/svg>/p; /<\/svg>/q' "$TMP/why.html")
is 'the time line has use, reservation, limit and reserve' "$(for c in use reservation limit reserve; do
    grep -c "class=\"$c\"" <<<"$drawing"; done | sort -u | sed 's/^[1-9][0-9]*$/yes/' | sort -u)" yes
is 'and a mark for each step' "$(grep -o 'class="mark"' <<<"$drawing" | wc -l)" \
    "$(jq -r --arg i "$job.1" 'select (.incident == $i) | .seq' "$WARDEN_STATE/journal.jsonl" | wc -l)"
like 'and the neighbour' "$drawing" "Neighbour: job $other<"
is 'two forms at once are refused' "$(mw why "$job" --html --json >/dev/null 2>&1; echo $?)" 2

# ---- without Slurm
run_job alone$$ --reservation 128M --limit 128M -- "$TOUCHMEM" --size 100M
wait $!
near 'so it is without Slurm' "$(released "alone$$" .peak_used)" 100
like 'and why says so' "$(mw why alone$$)" 'used at most 10[0-9].* of 128 MiB \((7[89]|8[0-2]) %\)'
done_testing
