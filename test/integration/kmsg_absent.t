# kmsg_absent.t - without the kernel's log everything else works, and a kill is still
# counted
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

warden_sees /dev/null /dev/kmsg
warden_start 'courier { start = false }' || exit 1
like 'its lack is said with what it costs' "$(cat "$TMP/warden.log")" \
    '/dev/kmsg cannot be read .*: kills by the kernel itself are counted, not explained'
run_job a --reservation 16M --limit 32M --on-oom kill -- "$TOUCHMEM" --size 100M
wait $!; is 'an OOM is handled' $? 137
done_testing
