# shellcheck shell=bash disable=SC2034,SC2154
# A machine that is emulated whole (QEMU's TCG), with Debian's kernels as they are:
# five to twenty times slower than this one.  Sourced by test/vm/run.
#
# KVM is not tried: Debian's kernels hang where this machine is itself a virtual one
# and has KVM by nesting.  What makes emulation dear is left out (a fork takes a
# quarter of the time then): mitigations against attacks there are none of, the
# protection bits of newer processors, and looking for a better clock than the
# processor's, since reading one is a third of it.  Its processors take turns
# (thread=single): side by side one of them may still run the int3 that the kernel had
# put into its own text for a moment, and the kernel dies of it.

machine_slow=10         # times as slow as this one
virtiofsd=/usr/lib/qemu/virtiofsd       # Debian 12; it moved later
[ -x $virtiofsd ] || virtiofsd=/usr/libexec/virtiofsd

machine_needs () {
    echo "qemu-system-x86_64:qemu-system-x86 $virtiofsd:qemu-system-common"
}

# In the order in which they need each other; where the kernel has one built in there
# is no file, and none is wanted.
machine_modules () {
    echo virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev \
        virtio_pci fuse virtiofs overlay dummy ${swap:+virtio_blk}
}

machine_root () { echo /; }      # virtiofsd has another for it

# _share TAG DIR OPTIONS: DIR by virtiofs at the socket $work/TAG.sock
_share () {
    local tag=$1 dir=$2
    shift 2
    "$@" "$virtiofsd" --socket-path="$work/$tag.sock" -o "source=$dir" \
        -o sandbox=chroot -o log_level=err >"$work/$tag.log" 2>&1 &
    pids+=($!)
}

# The host's files as they are mounted, every mount read-only: in a mount name
# space of its own, so that not even root inside the VM can write to them.
# shellcheck disable=SC2016
_read_only_view='
    view=$1 mounts=$2 other=$3; shift 3
    [ -z "$other" ] || { eval "$other" && exec "$@"; exit 1; }
    mount --bind / "$view" && mount -o remount,bind,ro "$view" || exit 1
    $mounts | while read -r dir; do
        [ "$dir" != / ] && [ -d "$view$dir" ] || continue
        case $dir in "$view"*) continue ;; esac
        mount --bind "$dir" "$view$dir" && mount -o remount,bind,ro "$view$dir"
    done
    exec "$@"'

# machine_run SECONDS: until it is switched off
machine_run () {
    local tag tries disk=() rc other= root=$work/view
    # on a busy host the timer's ticks come too late for the kernel's look at it
    local quick='mitigations=off init_on_alloc=0 tsc=reliable clocksource=tsc no_timer_check'
    mkdir "$work/view"
    [ -z "$tree" ] || root=$work/view/root other=$(quoted "$here/release" --view \
        "$tree" "$work/view" "${shows[@]}")
    _share host "$root" unshare -m --propagation private \
        sh -c "$_read_only_view" sh "$work/view" "$host_mounts" "$other"
    _share out "$out"
    for tag in host out; do
        tries=0
        until [ -S "$work/$tag.sock" ]; do
            kill -0 "${pids[@]}" 2>/dev/null && [ $tries -lt 200 ] ||
                die "virtiofsd does not start: $(cat "$work"/*.log)"
            tries=$((tries + 1))
            sleep 0.05
        done
    done
    [ -z "$swap" ] || truncate -s "$swap" "$work/swap" ||
        die "no file for $swap of swap"
    [ -z "$swap" ] ||
        disk=(-drive "file=$work/swap,if=virtio,format=raw,cache=unsafe")
    timeout -k 5 "$1" qemu-system-x86_64 \
        -accel tcg,thread=single -cpu qemu64 -smp "$cpus" -m "$memory" \
        -object "memory-backend-memfd,id=mem,size=$memory,share=on" \
        -machine q35,memory-backend=mem -nodefaults -no-user-config -nic none \
        -display none -no-reboot \
        -kernel "$kernel_dir/vmlinuz" -initrd "$work/initramfs.cpio" \
        -append "console=ttyS0 panic=-1 quiet psi=$psi $quick $append" \
        -chardev "socket,id=host,path=$work/host.sock" \
        -device vhost-user-fs-pci,chardev=host,tag=host \
        -chardev "socket,id=out,path=$work/out.sock" \
        -device vhost-user-fs-pci,chardev=out,tag=out \
        ${disk[@]+"${disk[@]}"} \
        -serial "file:$out/console.log" \
        -chardev stdio,id=command,signal=off -serial chardev:command \
        -serial "file:$work/control" </dev/null 2>"$work/machine.log" &
    pids+=($!)
    machine_wait $!
    rc=$?
    cat "$work"/host.log "$work"/out.log >>"$work/machine.log" 2>/dev/null
    return $rc
}
