# A job that is signalled at its limit writes its checkpoint in the reserve, which
# opens for that alone.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

warden_start 'courier { start = false }'
run_job "ckpt$$" --reservation 64M --limit 64M --reserve 32M \
    --on-oom 'signal=USR1@60s,kill' -- \
    "$TOUCHMEM" --size 200M --checkpoint "$TMP/checkpoint"
wait $!
is 'the job ends by itself, with 0' $? 0
is 'its checkpoint is there' "$(cat "$TMP/checkpoint" 2>&1)" checkpoint
ok 'the journal has its release' wait_for 20 journal_has "ckpt$$" released
like 'detected, reserve open, signal, and no kill' "$(journal_events "ckpt$$")" \
    'detected:signal lent:signal step:signal .*resolved'
unlike 'nothing was killed' "$(journal_events "ckpt$$")" 'kill'
done_testing
