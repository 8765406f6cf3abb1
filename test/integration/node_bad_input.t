# node_bad_input.t - a /proc/meminfo that cannot be read and a pool that cannot be
# limited are said, and the other signs go on
# runs: v1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

# the warden reads a file of ours in the place of /proc/meminfo
info=$TMP/meminfo
meminfo () { put_meminfo 1024 "$1"; }
meminfo 600
warden_sees "$TMP/meminfo" /proc/meminfo
mkdir "$TMP/no-cgroup"
warden_start "pool = \"$TMP/no-cgroup\"
node-reserve = \"100M\"
node-ladder = \"kill\"
courier { start = false }" || exit 1
log () { grep -Eq -- "$1" "$TMP/warden.log"; }
count () { grep -Ec -- "$1" "$TMP/warden.log"; }
ok 'a pool that cannot be limited is said' wait_for 10 log "pool $TMP/no-cgroup cannot be watched, MemAvailable alone is:"

# a limit that the node has no room for keeps the timer running
run_job hog --reservation 256M --limit 800M --on-oom hold -- "$TOUCHMEM" --size 48M --stop-file "$TMP/stop"
hog=$!
ok 'a job has memory' wait_for 30 grep -q touched "$TMP/hog.out"
: >"$info"
ok 'meminfo that cannot be read is said' wait_for 20 log '/proc/meminfo cannot be read'
ok 'and the job goes on' kill -0 $hog
meminfo 600
ok 'and when it can be read again' wait_for 20 log '/proc/meminfo can be read again'
printf 'MemTotal: 1 kB\nrubbish %s\n' "$(printf '\1\2%.0s' {1..2000})" >"$info"
again () { [ "$(count 'cannot be read: only')" -eq 2 ]; }
ok 'rubbish is no number' wait_for 20 again
: >"$info"
meminfo 600
readable () { [ "$(count 'can be read again')" -eq 2 ]; }
ok 'and again' wait_for 20 readable
meminfo 40
wait $hog; is 'MemAvailable below the reserve: the job had to give' $? 137
like 'and it is said why' "$(mw why hog)" 'node is out of memory: chosen'
is 'what failed was said once each' "$(count 'meminfo cannot')/$(count 'cannot be watched')" 2/1
meminfo 600
ok 'the node has memory again' wait_for 20 log 'the node has memory again'
done_testing
