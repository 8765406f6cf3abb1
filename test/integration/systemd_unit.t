# systemd_unit.t - under systemd memwardend.service starts, says so when it is ready,
# cannot be chosen by the kernel, handles an OOM, comes back when it is killed or hangs, and
# when it is stopped leaves no job frozen or throttled
# runs: systemd
# takes: 32 s
# in-vm: 6.12-systemd
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/install.sh"
[ -d /run/systemd/system ] || skip_all "systemd does not run here"
touchmem=$MW_BUILD/test/bin/touchmem
at_exit 'systemctl stop memwardend 2>/dev/null'

ok 'it is installed' install_memwarden
systemctl daemon-reload
ok 'the unit starts' systemctl start memwardend
main_pid () { systemctl show -p MainPID --value memwardend; }
pid=$(main_pid)
is 'it is active' "$(systemctl is-active memwardend)" active
is 'the kernel never chooses it' "$(cat "/proc/$pid/oom_score_adj")" -1000
like 'its memory is locked' "$(grep VmLck "/proc/$pid/status")" 'VmLck:[[:space:]]*[1-9]'
ok 'it answers at its default socket' memwarden jobs
# shellcheck disable=SC2317    # by wait_for
tested () { journalctl -b --no-pager -u memwardend | grep 'selftest:'; }
ok 'its start has been followed by a selftest' wait_for 30 tested
like 'which has found it at work' "$(tested)" 'selftest: ok: '
for u in memwardend memwarden-courier; do
    said=$(systemd-analyze security --no-pager "$u.service" | tail -n 1)
    echo "# $said"
    score=$(grep -oE '[0-9]+\.[0-9]+' <<<"$said")
    ok "$u: below 3.0 by systemd-analyze security" [ $((10#${score//./})) -lt 30 ]
done
ok 'it has a desk' wait_for 20 pgrep -f -x 'memwardend --desk'
desk=$(pgrep -f -x 'memwardend --desk')
unlike 'the desk is not root' "$(stat -c %u "/proc/$desk")" '^0?$'
is 'nor has it any capability' "$(awk '/^Cap(Prm|Eff)/ { print $2 }' "/proc/$desk/status" | sort -u)" \
    0000000000000000
memwarden run --reservation 64M --limit 64M --on-oom 'grow@60s,kill' -- \
    "$touchmem" --size 150M >"$TMP/grow" 2>&1
is "a job's OOM is handled" $? 0

# its device policy lets the scribe tell a user at his terminal
mkdir -p /etc/memwarden
echo 'tell-terminals = yes' >>/etc/memwarden/memwarden.conf
systemctl reload memwardend
python3 "$MW_SRC/test/lib/terminal_of.py" /run/utmp "$(id -u nobody):620:$TMP/terminal" >"$TMP/sessions" &
at_exit "kill $!"
ok 'a user is at a terminal' wait_for 20 grep -q ready "$TMP/sessions"
memwarden run --name tells --user nobody --reservation 64M -- sleep 1000 >"$TMP/tells" 2>&1 &
at_exit "kill $!"
ok 'a job of his is held' wait_for 30 memwarden hold tells
ok 'which he is told there' wait_for 30 grep -q 'memwarden: job tells is held by uid 0' "$TMP/terminal"
memwarden resume tells
# what is run as the job may look into it
if command -v gdb >/dev/null; then
    mkdir -p /etc/memwarden
    printf '#!/bin/sh\nexec gdb --nx --batch -iex "set sysroot /" -p $MEMWARDEN_PID -ex bt\n' >/etc/memwarden/looks
    chmod 755 /etc/memwarden/looks
    echo 'hook looks { path = "/etc/memwarden/looks" as = "job" timeout = "30s" }' >>/etc/memwarden/memwarden.conf
    systemctl reload memwardend
    memwarden run --name looked --user nobody --reservation 96M --limit 96M --reserve 96M \
        --on-oom 'dump=looks@60s,kill' -- "$touchmem" --size 150M >"$TMP/looked" 2>&1
    like 'a debugger that is run as the job can attach' "$(memwarden why looked)" 'dump: #[0-9].*_(touch|work) '
fi

memwarden run --name stays --reservation 64M --limit 64M -- \
    "$touchmem" --size 20M --stop-file "$TMP/stop" >"$TMP/stays" 2>&1 &
job=$!
known () { memwarden jobs --json | jq -e '.[] | select(.key == "stays")' >/dev/null; }
ok 'a job is registered' wait_for 30 known
memcg=$(find /sys/fs/cgroup -type d -name stays)
ok 'it can be held' memwarden hold stays
is 'that is, frozen' "$(cat "$memcg/cgroup.freeze")" 1
kill -9 "$pid"
again () { [ "$(main_pid)" != "$pid" ] && [ "$(main_pid)" != 0 ] && known; }
ok 'killed, it comes back, and still knows the job' wait_for 30 again
pid=$(main_pid)
kill -STOP "$pid"
ok 'stopped, it is killed and comes back, and still knows the job' wait_for 60 again
is 'it gets no new rights' "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$(main_pid)/status")" 1
ok 'the unit stops' systemctl stop memwardend
is 'the job is not left frozen' "$(cat "$memcg/cgroup.freeze")" 0
is 'nor throttled' "$(cat "$memcg/memory.high")" max
touch "$TMP/stop"
wait $job
is 'and completes' $? 0
done_testing
