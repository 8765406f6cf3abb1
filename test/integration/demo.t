#!/usr/bin/env bash
# runs: v1 v2
# takes: 105 s
# in-vm: newest-v2
# contrib/demo tells its stories from real Slurm states and leaves nothing
# behind, also when it is interrupted.
. "$(dirname "$0")/../lib/tap.sh"

export TMPDIR=$TMP/tmp
mkdir -m 1777 "$TMPDIR"
chmod 1777 "$TMPDIR"
mark=MWT_DEMO_$$
export "$mark=1"            # what the demo starts inherits it

left () {
    local p
    for p in /proc/[0-9]*; do
        [ "${p#/proc/}" != "$$" ] && [ "${p#/proc/}" != "$BASHPID" ] || continue
        tr '\0' '\n' 2>/dev/null <"$p/environ" | grep -q "^$mark=1" &&
            grep -Eq 'slurm|munge|memwarden|touchmem|mwdemo' "$p/cmdline" &&
            tr '\0' ' ' <"$p/cmdline"
    done
    ls "$TMPDIR"
    find /sys/fs/cgroup -maxdepth 4 -name "*mw$1n1*" 2>/dev/null
}

"$MW_SRC/contrib/demo" --in-vm >"$TMP/out" 2>&1 &
demo=$!
wait "$demo"
rc=$?
is 'the demo exits 0' "$rc" 0
[ "$rc" = 0 ] || sed 's/^/# /' "$TMP/out"
out=$(cat "$TMP/out")
like 'a job was grown and completed' "$out" '^[0-9]+ +grown +COMPLETED +0:0 +0 '
like 'a job was requeued with more memory and completed' "$out" \
    '^[0-9]+ +checkpoint +COMPLETED +0:0 +1 +1[0-9]+M '
like 'a job was suspended' "$out" '\(patient\): SUSPENDED'
like 'and completed' "$out" '^[0-9]+ +patient +COMPLETED +0:0 +0 '
like 'a job was killed and ended as OUT_OF_MEMORY' "$out" \
    '^[0-9]+ +greedy +OUT_OF_MEMORY +0:125 '
like 'a job that needed 300M and asked for 100M was given it, and completed' "$out" \
    '^[0-9]+ +retry +COMPLETED +0:0 +1 +350M '
like 'a job asked for memory through the library, and was lent it' "$out" \
    '^ +at the peak: used 1[0-9]+ MiB of 17[0-9] MiB, 11[0-9] MiB of them lent$'
like 'it gave it back' "$out" 'gave back 11[0-9] MiB of what it had asked for'
like 'and completed' "$out" '^[0-9]+ +borrower +COMPLETED +0:0 +0 '
like 'a look at a held job tells which process holds it' \
    "$(sed -n '/^memwarden look/,/COMPLETED/p' "$TMP/out")" \
    '^ +[0-9]+ +[0-9.]+ MiB .*/touchmem --size 150M'
like 'given more, it completed' "$out" '^[0-9]+ +held +COMPLETED +0:0 +0 '
# scontrol, admin_comment, what is kept of ended jobs, why, the record
is 'and that is one number, wherever one looks' \
    "$(sed -nE '/wherever one looks:$/,/^$/s/.*(scontrol +|mem=|"mem_mb":)([0-9]+).*/\2/p' \
        "$TMP/out" | tr '\n' ' ')" '350 350 350 350 350 '
like 'memwarden why told a story' "$(sed -n '/^memwarden why/,$p' "$TMP/out")" \
    'requeue'
is 'nothing is left' "$(left "$demo")" ''

# what is emulated (MW_SLOW) has shown enough
signals='INT TERM'
[ "${MW_SLOW:-1}" = 1 ] || signals=
for signal in $signals; do
    # a background job of a script ignores SIGINT unless it is told not to
    env --default-signal=INT "$MW_SRC/contrib/demo" --in-vm >"$TMP/out" 2>&1 &
    demo=$!
    ok "$signal: the demo is under way" wait_for 60 grep -q '(held): RUNNING' "$TMP/out"
    # again, as a person would: bash 5.2 may lose a trap that comes while a command
    # substitution ends
    again () { _ended "$demo" || { kill "-$signal" "$demo"; sleep 1; _ended "$demo"; }; }
    wait_for 60 again
    wait "$demo"
    unlike "$signal: the demo fails" "$?" '^0$'
    is "$signal: nothing is left" "$(left "$demo")" ''
done
done_testing
