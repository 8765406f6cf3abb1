# A job that streams files many times its limit, or fills a tmpfs up to just below
# its limit and frees it, again and again, has no incident: page cache is nobody's
# fault.
# runs: v1 v2
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"

warden_start 'courier { start = false }'
mkdir "$TMP/shm" && mount -t tmpfs tmpfs "$TMP/shm"
at_exit 'umount "$TMP/shm" 2>/dev/null'
# The caches that other tests have left are not charged to this job.  Few names are
# looked at: each one that a VM has seen costs its host an open descriptor.
stream='for i in 1 2 3 4 5; do
    find /usr/lib/*-linux-gnu /usr/bin -maxdepth 1 -type f -size +6M -size -60M
    done | while read -r f; do dd if="$f" iflag=nocache count=0 2>/dev/null
    cat "$f"; done | dd bs=1M count=160 iflag=fullblock 2>"$1" | wc -c'

key=stream$$
run_job "$key" --reservation 32M --limit 32M --on-oom kill -- \
    sh -c "$stream" sh "$TMP/dd"
wait $!
is 'a job that reads five times its limit completes' $? 0
is 'it has read that much' "$(cat "$TMP/$key.out")" $((160 << 20))
ok 'the journal has its release' wait_for 20 journal_has "$key" released
is 'nothing has happened to it' "$(journal_events "$key")" 'registered released '

# the VM has no disk: what is written there is in memory and stays so
if [ "$(stat -f -c %T "$TMP")" != tmpfs ]; then
    key=write$$
    run_job "$key" --reservation 32M --limit 32M --on-oom kill -- \
        sh -c 'for i in 1 2 3; do head -c 100M /dev/zero >"$1"; done' sh "$TMP/big"
    wait $!
    is 'a job that writes ten times its limit completes' $? 0
    rm -f "$TMP/big"
    ok 'the journal has its release' wait_for 20 journal_has "$key" released
    is 'nothing has happened to it' "$(journal_events "$key")" 'registered released '
fi

key=tmpfs$$
run_job "$key" --reservation 64M --limit 64M --on-oom kill -- \
    sh -c 'for i in 1 2 3 4; do head -c 52M /dev/zero >"$1/f"; rm "$1/f"; done' \
    sh "$TMP/shm"
wait $!
is 'a job that fills a tmpfs and frees it completes' $? 0
ok 'the journal has its release' wait_for 20 journal_has "$key" released
is 'nothing has happened to it' "$(journal_events "$key")" 'registered released '
done_testing
