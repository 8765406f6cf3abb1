# shellcheck shell=bash disable=SC2034,SC2154
# User Mode Linux: a kernel of its own that is a program here, so that what runs in it
# runs on the real processor.  A small program is started ten times as fast as in an
# emulated machine, in 15 ms; a system call takes about 0.1 ms.  One processor.
# Sourced by test/vm/run.

machine_slow=3          # times as slow as this one, at most
machine_needs () { echo gcc:gcc; }
machine_root () { [ -n "$tree" ] && echo "$work/mem/view/root" || echo /; }
machine_modules () { echo overlay dummy; }

# The host's files read-only where they are, but for the results: in a mount name space
# of its own, so that not even root inside the VM can write to them.  It is the mount
# that is made so, never the file system, which is the host's.  The VM's memory is a
# file.
# shellcheck disable=SC2016
_read_only_here='
    out=$1 mem=$2 swap=$3 mounts=$4 view=$5; shift 5
    mount --bind "$out" "$out" && mount -t tmpfs -o mode=700 mem "$mem" || exit 1
    $mounts | sort -r | while read -r dir; do
        [ "$dir" = "$out" ] || mount -o remount,bind,ro "$dir" || exit 1
    done || exit 1
    eval "$view" || exit 1
    [ -z "$swap" ] || truncate -s "$swap" "$mem/swap"
    ulimit -n "$(ulimit -Hn)"
    "$@"'

# machine_run SECONDS: until it is switched off
machine_run () {
    local disk=() view= trap=
    [ -z "$tree" ] || view=$(quoted "$here/release" --view "$tree" "$work/mem/view" \
        "${shows[@]}")
    # since 6.16: its programs' system calls come by SIGSYS, at two thirds of ptrace's cost
    [ "$kernel" != forky ] || trap=seccomp=on
    [ -z "$swap" ] || disk=("ubd0=$work/mem/swap")
    mkdir "$work/mem"
    gcc -shared -fPIC -Wall -Wextra -Werror -O1 -o "$work/xstate.so" "$here/uml_xstate.c" ||
        die "test/vm/uml_xstate.c does not compile"
    # shellcheck disable=SC2086
    TMPDIR=$work/mem timeout -k 5 "$1" \
        unshare -m -p --fork --kill-child --propagation private \
        sh -c "$_read_only_here" sh "$out" "$work/mem" "$swap" "$host_mounts" "$view" \
        env LD_PRELOAD="$work/xstate.so" "$kernel_dir/linux" "mem=$memory" initrd="$work/initramfs.cpio" \
        console=ttyS0 panic=-1 quiet "psi=$psi" "uml_dir=$work/mem/" \
        con=null ssl=null ssl0=null,fd:7 ssl1=null,fd:8 ssl2=null,fd:9 \
        ${disk[@]+"${disk[@]}"} $trap $append \
        7>>"$out/console.log" 8>&1 9>>"$work/control" \
        </dev/null >"$work/machine.log" 2>&1 &
    pids+=($!)
    machine_wait $!
}
