# configure_plugindir.t - the plugins go where Slurm looks for its own, whatever our
# prefix is: ./configure alone; where they are told to go elsewhere, configure's last
# words say that, and what slurm.conf needs then
# runs: v1 native
# takes: 191 s
. "$(dirname "$0")/../lib/tap.sh"
looks_in=$(dirname "$(ls /usr/lib/*/slurm-wlm/task_cgroup.so /usr/lib{64,}/slurm/task_cgroup.so \
    2>/dev/null | head -n 1)")
[ "$looks_in" != . ] || skip_all 'no Slurm is installed (Debian: slurmd)'
mkdir "$TMP/build" && cd "$TMP/build" || exit 1

ok './configure alone' sh -c '"$1/configure" -C >../configure.out 2>&1' - "$MW_SRC"
like 'its last words name the directory' "$(tail -n 3 ../configure.out)" \
    "the plugins for Slurm [0-9]+\.[0-9]+\.[0-9]+ go to $looks_in\$"
unlike 'and warn of nothing' "$(tail -n 5 ../configure.out)" WARNING
like 'and where the configuration is' "$(tail -n 3 ../configure.out)" \
    'is /usr/local/etc/memwarden/memwarden.conf'
ok 'make install' sh -c '{ make -j2 -C lib CFLAGS=-O0 && make -j2 -C plugin CFLAGS=-O0 &&
    make -C plugin install DESTDIR="$1"; } >../make.out 2>&1' - "$TMP/root"
is 'puts both there' "$(cd "$TMP/root" && find . -name '*_memwarden.so' | sort | xargs)" \
    ".$looks_in/spank_memwarden.so .$looks_in/task_memwarden.so"

ok '--with-slurm-plugindir' sh -c '"$1/configure" -C --prefix=/opt/mw \
    --with-slurm-plugindir=/opt/mw/plugins >../configure.out 2>&1' - "$MW_SRC"
is 'puts them where it says' "$(sed -n 's/^slurmplugindir = //p' plugin/Makefile)" /opt/mw/plugins
like 'and warns' "$(tail -n 5 ../configure.out)" "WARNING: Slurm looks for plugins in $looks_in and"
like 'with what is needed' "$(tail -n 5 ../configure.out)" \
    "slurm.conf: PluginDir=/opt/mw/plugins:$looks_in"
done_testing
