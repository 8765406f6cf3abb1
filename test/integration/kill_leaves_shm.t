# kill_leaves_shm.t - of a job that is killed with a file in /dev/shm it is said that
# its memory is not free, how much stays, and which file it is: no kill removes files;
# also of one that ends well.  What a job's memory was, of which kinds and whose, is in
# its stderr, in why and in the journal: anonymous, files in memory, page cache.
# runs: v1 v2 hybrid
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

warden_start || exit 1
file=/dev/shm/mw.$$
at_exit "rm -f $file $file.well"
# member KEY EVENT FILTER: of the last such record
member () { mw why --json "$1" | jq -r ".[] | select(.event == \"$2\") | $3" | tail -n 1; }
mib () { [ "$1" -ge $(($2 << 20)) ] && [ "$1" -le $(($3 << 20)) ]; }

# shellcheck disable=SC2016
run_job shm --reservation 96M --limit 96M --on-oom kill -- \
    bash -c 'head -c 48M /dev/zero >"$0"; exec "$1" --size 200M' "$file" "$TOUCHMEM"
wait $!
is 'it is killed' $? 137
why=$(mw why shm)
like 'what stays of it is told, by its name' "$why" \
    "released: .*, but it left 4[789][.0-9]* MiB of files in memory: .*$file \(48\.0 MiB\)"
is 'and in the journal' "$(member shm released '.left.files[] | select(.path == "'"$file"'") | .bytes')" $((48 << 20))
held='it holds anonymous memory [345][0-9][.0-9]* MiB, files in memory 4[789][.0-9]* MiB'
like 'its stderr says of what it was' "$(cat "$TMP/shm.err")" \
    "to be killed: it used up to .*; $held.*; largest process(es)?: [0-9]+ \(touchmem\) [345][0-9]"
like 'so does why' "$why" "to be killed: .*; $held"
ok 'exactly: anonymous' mib "$(member shm uses .held.anon)" 30 59
ok 'files in memory' mib "$(member shm uses .held.shmem)" 47 49
is 'and whose' "$(member shm uses '.largest[0].comm')" touchmem
run_job plain --reservation 96M --limit 96M --on-oom kill -- "$TOUCHMEM" --size 200M
wait $!
is 'another is killed' $? 137
unlike 'of which nothing stays' "$(mw why plain)" 'stay: files|files in memory'

# shellcheck disable=SC2016
run_job well --reservation 96M -- bash -c 'head -c 40M /dev/zero >"$0"' "$file.well"
wait $!
is 'a third ends well' $? 0
wait_for 10 journal_has well released
like 'what it left is told, too' "$(mw why well)" \
    "released: .*, but it left (39|4[01])[.0-9]* MiB of files in memory: .*$file.well \(40\.0 MiB\)"

# ---- a look at one that is held by hand: with files of a disk in its cache ----
big=$(find /usr/lib /usr/bin -type f -size +8M -size -200M | head -n 1)
# shellcheck disable=SC2016
run_job cache --reservation 400M -- bash -c \
    'dd if="$0" iflag=nocache count=0; cat "$0" >/dev/null; exec "$1" --size 8M --stop-file "$2"' \
    "$big" "$TOUCHMEM" "$TMP/go"
run=$!
ok 'a fourth runs' wait_for 30 grep -q touched "$TMP/cache.out"
mw hold cache
is_looked_at () { [ "$(journal_count cache uses)" -gt 0 ]; }
ok 'held by hand, it is looked at' wait_for 10 is_looked_at
ok 'its page cache is told apart' mib "$(member cache uses .held.cache)" 4 400
ok 'from its own memory' mib "$(member cache uses .held.anon)" 8 12
look=$(mw look --for 10ms cache)
like 'a look at it tells the kinds' "$look" 'page cache +[0-9.]+ MiB'
like 'its processes, with their growth' "$look" ' 8\.[0-9] MiB .* 0 B  .*touchmem'
like 'and the files of its user' "$look" "4[0-9.]+ MiB  $file\$"
is 'also for programs' "$(mw look --for 10ms --json cache | jq '.processes[0].grew, (.held | length)' | tr '\n' ' ')" '0 9 '
mw resume cache
touch "$TMP/go"
wait $run
is 'it ends by itself' $? 0
done_testing
