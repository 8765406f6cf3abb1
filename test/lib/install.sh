# install.sh - memwarden installed in the VM, as `make install` does it
#
#   install_memwarden     0 when it is there, by README's configure options
#
# test/run has had `make install DESTDIR=$MW_BUILD/stage` done by the host, whose
# processor is not emulated; where that is older than what was built, it is done here,
# which takes 10 minutes.

install_memwarden () {
    local stage=$MW_BUILD/stage
    if [ "$stage/usr/sbin/memwardend" -nt "$MW_BUILD/handler/memwardend" ] &&
        [ -e "$stage/usr/lib/systemd/system/memwarden-courier.service" ]; then
        cp -a --no-preserve=ownership "$stage/." /
    else
        make -C "$MW_BUILD" install
    fi
}
