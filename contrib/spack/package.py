# Spack's recipe for memwarden, from the tarball that `make dist` makes: in its directory
#
#   spack install --no-checksum memwarden
#
# with this file as packages/memwarden/package.py of a repository of yours.  The daemons,
# the command, the library, and Slurm's plugins, built against the slurm of the spec (often
# an external one).  They go to lib/slurm of the prefix, which slurm.conf must name:
# PluginDir=PREFIX/lib/slurm:…  Units and sysusers.d are in PREFIX/lib.
import os

from spack.package import *


class Memwarden(AutotoolsPackage):
    """Lets a Slurm cluster share the memory of its nodes safely: each job has a
    reservation, a limit up to which it may burst, and a ladder of what is done,
    least harm first, when it or the whole node is out of memory."""

    url = "file://{0}/memwarden-0.1.0.tar.xz".format(os.getcwd())
    manual_download = True

    license("GPL-2.0-or-later")

    version("0.1.0")

    depends_on("c", type="build")
    depends_on("gmake", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("cmocka", type="build")
    depends_on("slurm@22.05:")
    depends_on("jansson@2.13:")
    depends_on("libcgroup")
    depends_on("libconfuse@3:")
    depends_on("curl")
    depends_on("openssl")
    depends_on("libseccomp@2.4:")
    depends_on("ncurses")
    depends_on("systemd@239:")
    depends_on("util-linux@2.33:")  # libsmartcols
    depends_on("xz")
    depends_on("zlib-api")

    requires("platform=linux")
    conflicts("%gcc@:7", msg="-std=gnu17 is needed")

    def configure_args(self):
        return [
            "--with-slurm={0}".format(self.spec["slurm"].prefix),
            "--with-slurm-plugindir={0}".format(self.prefix.lib.slurm),
            "--with-systemdsystemunitdir={0}".format(self.prefix.lib.systemd.system),
        ]
