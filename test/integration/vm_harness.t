#!/usr/bin/env bash
# runs: v1 native
# takes: 146 s
# What happens in the VM of test/vm/run stays there, but for what is asked for:
# its output, its exit status, and the files of its results directory.
. "$(dirname "$0")/../lib/tap.sh"

mkdir "$TMP/vms" "$TMP/out"
vm () { TMPDIR=$TMP/vms "$MW_SRC/test/vm/run" "$@"; }

# bad options and missing things: said before anything starts
while IFS='|' read -r what want options; do
    # shellcheck disable=SC2086
    said=$(vm $options 2>&1)
    is "$what: exit status 125" $? 125
    like "$what: says what would be right" "$said" "$want"
done <<'END'
no command|no command, see --help|--kernel 6.1
an unknown machine|there are uml and qemu|--machine vax -- true
an unknown kernel|there are 6.1, 6.12 and forky|--kernel 2.6 -- true
v1 on a kernel without it|take --kernel 6.1|--kernel 6.12 --cgroup v1 -- true
a size without a unit|a size like 512M|--memory 12 -- true
an option without its value|needs a value|--swap
an unknown release|there are 12, 13 and forky|--release 11 -- true
an option not known|unknown option|--frobnicate -- true
END

# a host without a kernel and without apt-get
mkdir "$TMP/bin"
for c in bash basename busybox cat cpio dirname gcc grep id mkdir qemu-system-x86_64 \
    sed uname unshare xz; do
    ln -s "$(command -v $c)" "$TMP/bin/$c"
done
said=$(PATH=$TMP/bin MW_VM_CACHE=$TMP/cache vm -- true 2>&1)
is 'no kernel: exit status 125' $? 125
like 'no kernel: that is said' "$said" 'no kernel in .*/cache/uml-6.12.*apt-get'
said=$(PATH=$TMP/bin MW_VM_CACHE=$TMP/cache vm --release 13 -- true 2>&1)
is "another Debian's files cannot be made: exit status 125" $? 125
like '… which is said' "$said" 'no .*/cache/release-13, and no mmdebstrap to make it'
rm "$TMP/bin/cpio"
said=$(PATH=$TMP/bin vm -- true 2>&1)
is 'no package: exit status 125' $? 125
like 'no package: its name is said' "$said" 'Debian: cpio.*install-deps vm'

# one VM of each machine for what a command may see and do
victim=$TMP/victim
cat >"$TMP/inside" <<'END'
echo "to stdout"
echo "to stderr" >&2
echo "kernel $(uname -r)"
echo "cgroup $(stat -fc %T /sys/fs/cgroup)"
echo "argument [$1] [$2]"
echo "cwd $PWD"
echo "name $(getent hosts "$(uname -n)" | cut -d ' ' -f 1)"
echo "network $(tail -n +3 /proc/net/dev | cut -d : -f 1 | tr -d ' ' | sort | tr '\n' ' ')"
echo "address $(busybox ip -4 addr | sed -n 's/.*inet \([0-9.]*\).*/\1/p' | grep -vc '^127')"
echo "harmed" >"$2" && echo "layer $(cat "$2")"
mount -o remount,rw /lower 2>/dev/null
rm -rf "$(dirname "$0")/victim" "$MW_SRC/README.md"
mkdir -p /vmroot && { mount -t virtiofs host /vmroot || mount -t hostfs -o / host /vmroot; } &&
    { echo harmed >"/vmroot$2"; rm -f "/vmroot$2" "/vmroot$MW_SRC/README.md"; }
head -c 3000000 /dev/zero >"$MW_VM_OUT/big"
mkdir "$MW_VM_OUT/dir" && echo "came back" >"$MW_VM_OUT/dir/file"
exit 42
END

# sees_and_does MACHINE KERNEL-RELEASE
sees_and_does () {
    local m=$1 said
    echo "the host's" >"$victim"
    said=$(cd "$TMP" && vm --machine "$m" --out "$TMP/out.$m" -- \
        bash "$TMP/inside" "a  b'\$c" "$victim" 2>"$TMP/err")
    is "$m: the exit status comes back" $? 42
    like "$m: output comes back" "$said" '^to stdout'
    like "$m: errors come back" "$said" '^to stderr'
    like "$m: the kernel is the one asked for" "$said" "^kernel $2"
    like "$m: the cgroups are those asked for" "$said" '^cgroup cgroup2fs'
    like "$m: arguments arrive as they are" "$said" "^argument \\[a  b'\\\$c\\] "
    like "$m: it starts where it was called" "$said" "^cwd $TMP\$"
    like "$m: the host name resolves" "$said" '^name 127'
    like "$m: no network but its own" "$said" '^network dummy0 lo $'
    like "$m: an address that is not 127.x" "$said" '^address 1$'
    like "$m: it may write anywhere" "$said" '^layer harmed'
    is "$m: the host's files are not harmed" "$(cat "$victim" 2>&1)" "the host's"
    ok "$m: nor removed" test -e "$MW_SRC/README.md"
    is "$m: files come back" "$(cat "$TMP/out.$m/dir/file" 2>&1)" 'came back'
    is "$m: whole" "$(stat -c %s "$TMP/out.$m/big" 2>&1)" 3000000
    ok "$m: with the kernel log" grep -q 'Linux version 6\.12' "$TMP/out.$m/kernel.log"
    like "$m: the boot time is told" "$(cat "$TMP/err")" 'up after [0-9.]+ s'
}
sees_and_does uml '6\.12\.[0-9]+$'
sees_and_does qemu '6\.12\..*cloud'

# with systemd, which removes what is in /tmp at boot and has each directory there open
mkdir "$TMP/full" "$TMP/here"
(cd "$TMP/full" && seq 3000 | xargs mkdir)
said=$(cd "$TMP/here" && ulimit -n 2000 && vm --init systemd -- bash -c 'pwd; ls -A /tmp/mwt.*' 2>"$TMP/err")
is "a host's /tmp with more in it than a process may have open is none of the VM's" "$said" \
    "$TMP/here
here"

vm --timeout 2 -- sleep 1000 >"$TMP/slow" 2>&1
is 'a command over its time is ended: 124' $? 124

# what outlives even the guest's own watch: its process stopped
# a kernel without its first process, which waits for somebody to read why
said=$(MW_VM_BOOT_TIMEOUT=5 vm --machine qemu --append 'rdinit=/none panic=0' -- true 2>&1)
is 'a VM that hangs at its boot, twice: 124' $? 124
like 'it was started once more' "$said" 'not up after 5 s; once more'
like 'and had hung again' "$said" 'it hung'
said=$(MW_VM_BOOT_TIMEOUT=40 vm --timeout 1 -- sh -c \
    'kill -STOP $PPID; sleep 1000' 2>&1)
is 'a VM that hangs is ended: 124' $? 124
like 'and that is said' "$said" 'it hung'

said=$(vm --out "$TMP/died" -- sh -c 'echo c >/proc/sysrq-trigger' 2>&1)
is 'a VM that dies: 125' $? 125
like "with the kernel's last words" "$said" 'Kernel panic'
is 'nothing of any VM is left' "$(ls "$TMP/vms")" ''
done_testing
