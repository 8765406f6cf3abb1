# kill_leaves_shm.t - of a job that is killed with a file in /dev/shm it is said that
# its memory is not free, and how much stays: no kill removes files
# runs: v1 v2 hybrid
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

warden_start || exit 1
file=/dev/shm/mw.$$
at_exit "rm -f $file"
# shellcheck disable=SC2016
run_job shm --reservation 96M --limit 96M --on-oom kill -- \
    bash -c 'head -c 48M /dev/zero >"$0"; exec "$1" --size 200M' "$file" "$TOUCHMEM"
wait $!
is 'it is killed' $? 137
like 'what stays of it is told' "$(mw why shm)" ', but (4[89]|5[0-9])[.0-9]* MiB stay: files in /dev/shm'
run_job plain --reservation 96M --limit 96M --on-oom kill -- "$TOUCHMEM" --size 200M
wait $!
is 'another is killed' $? 137
unlike 'of which nothing stays' "$(mw why plain)" 'stay: files'
done_testing
