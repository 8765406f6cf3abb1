# What memwarden needs, each with the Debian package that has it.  All that is
# missing is said at once, at the end, not one piece a run.

# MW_CHECK_PKG(VAR, PKG-CONFIG MODULE, DEBIAN PACKAGE)
AC_DEFUN([MW_CHECK_PKG], [
  PKG_CHECK_MODULES([$1], [$2], [],
    [MW_MISSING="$MW_MISSING
    $2 (Debian: $3)"])
])

# MW_OPTIONAL_PKG(VAR, NAME, PKG-CONFIG MODULE, DEBIAN PACKAGE, WHAT IT COSTS)
# The same for what --without-NAME leaves out; HAVE_VAR says whether it is there.
# What that costs is said at the end (MW_SAY_WITHOUT).
AC_DEFUN([MW_OPTIONAL_PKG], [
  AC_ARG_WITH([$2],
    [AS_HELP_STRING([--without-$2], [leave out $2: $5])],
    [], [with_$2=yes])
  AS_IF([test "x$with_$2" = xno],
    [MW_WITHOUT="$MW_WITHOUT
    --without-$2: $5"],
    [PKG_CHECK_MODULES([$1], [$3],
      [AC_DEFINE([HAVE_$1], [1], [Define to 1 if $2 is built in.])],
      [MW_MISSING="$MW_MISSING
    $3 (Debian: $4), or --without-$2: $5"])])
  AM_CONDITIONAL([HAVE_$1], [test "x$with_$2" != xno])
])

# Behind AC_OUTPUT.
AC_DEFUN([MW_SAY_WITHOUT], [
  AS_IF([test -n "$MW_WITHOUT"], [AC_MSG_NOTICE([left out:$MW_WITHOUT])])
])

# MW_CHECK_LIB(VAR, HEADER, LIBRARY, FUNCTION, DEBIAN PACKAGE)
AC_DEFUN([MW_CHECK_LIB], [
  mw_found=yes
  AC_CHECK_HEADER([$2], [], [mw_found=no])
  mw_saved_libs=$LIBS
  AC_CHECK_LIB([$3], [$4], [], [mw_found=no])
  LIBS=$mw_saved_libs
  AS_IF([test $mw_found = yes],
    [$1_LIBS="-l$3"],
    [MW_MISSING="$MW_MISSING
    $2 and lib$3 (Debian: $5)"])
  AC_SUBST([$1_LIBS])
])

# MW_SLURM_CALL(FUNCTION, PARAMETERS WITH A JOB ID, PARAMETERS WITH A STEP ID)
# Which of the two has this Slurm?  Defines FUNCTION_BY_STEP for the second.
AC_DEFUN([MW_SLURM_CALL], [
  AC_MSG_CHECKING([how $1 names the job])
  mw_call=unknown
  AC_COMPILE_IFELSE([AC_LANG_SOURCE([[#include <slurm/slurm.h>
extern int $1 $2;]])], [mw_call="by its id"],
    [AC_COMPILE_IFELSE([AC_LANG_SOURCE([[#include <slurm/slurm.h>
extern int $1 $3;]])], [mw_call="as a step"])])
  AC_MSG_RESULT([$mw_call])
  AS_CASE([$mw_call],
    ["as a step"], [AC_DEFINE(AS_TR_CPP([$1_BY_STEP]), [1],
      [Define to 1 if $1 takes a slurm_step_id_t.])],
    [unknown], [MW_MISSING="$MW_MISSING
    a form of $1 that is known: this Slurm declares another"])
])

# Where Slurm's releases differ for handler/courier/compat.c
AC_DEFUN([MW_CHECK_SLURM_API], [
  mw_saved_cppflags=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS $SLURM_CPPFLAGS"
  AC_CHECK_DECLS([SLURM_PROTOCOL_SOCKET_IMPL_ZERO_RECV_LENGTH,
    ESLURM_JOB_SETTING_DB_INX], [], [],
    [[#include <slurm/slurm_errno.h>]])
  AC_CHECK_MEMBERS([update_node_msg_t.reason_uid], [], [],
    [[#include <slurm/slurm.h>]])
  MW_SLURM_CALL([slurm_load_job],
    [(job_info_msg_t **, uint32_t, uint16_t)],
    [(job_info_msg_t **, slurm_step_id_t, uint16_t)])
  MW_SLURM_CALL([slurm_complete_job],
    [(uint32_t, uint32_t)],
    [(slurm_step_id_t *, uint32_t)])
  MW_SLURM_CALL([slurm_notify_job],
    [(uint32_t, char *)],
    [(slurm_step_id_t, char *)])
  CPPFLAGS=$mw_saved_cppflags
])

# Where the plugins go: Slurm looks for plugins in one directory, whatever our own
# prefix is.  Which, libslurm itself knows; where that is outside of PREFIX (a Slurm
# that was unpacked, not installed), it is the one below PREFIX.
AC_DEFUN([MW_SLURM_PLUGINDIR], [
  AC_MSG_CHECKING([where Slurm looks for plugins])
  slurm_looks_in=
  for lib in "$slurm_prefix/lib/$mw_multiarch" "$slurm_prefix/lib64" "$slurm_prefix/lib"; do
    AS_IF([test -z "$slurm_looks_in" && test -r "$lib/libslurm.so"],
      [slurm_looks_in=`tr -c '@<:@:graph:@:>@' '\n' <"$lib/libslurm.so" |
         grep "^$slurm_prefix/.*/slurm\(-wlm\)*\$" | head -n 1`])
  done
  for d in "$slurm_prefix/lib/$mw_multiarch/slurm-wlm" \
           "$slurm_prefix/lib64/slurm" "$slurm_prefix/lib/slurm" \
           "$slurm_prefix/lib/slurm-wlm"; do
    AS_IF([test -z "$slurm_looks_in" && test -d "$d"], [slurm_looks_in=$d])
  done
  AC_MSG_RESULT([${slurm_looks_in:-unknown}])
  AS_IF([test -z "$slurmplugindir"],
    [slurmplugindir=${slurm_looks_in:-'${libdir}/slurm'}])
  AC_SUBST([slurmplugindir])
])

# Is it another Slurm than PREFIX's that is found by PATH?
AC_DEFUN([MW_SLURM_OTHER_SAY], [
  mw_other=`command -v scontrol 2>/dev/null`
  AS_CASE([$mw_other],
    [*/bin/scontrol], [mw_other=`cd "${mw_other%/bin/scontrol}/" && pwd -P`],
    [mw_other=])
  mw_this=`cd "$slurm_prefix/" && pwd -P`
  AS_IF([test -n "$mw_other" && test "x$mw_other" != "x$mw_this" && test -n "$mw_other$mw_this"],
    [AC_MSG_WARN([there are two Slurm here: memwarden is built for $SLURM_VERSION in
  $slurm_prefix, and the scontrol of PATH is that of $mw_other.  If that is the one that
  your nodes run: ./configure --with-slurm=$mw_other])])
])

# Behind AC_OUTPUT, where nobody overlooks it.
AC_DEFUN([MW_SLURM_PLUGINDIR_SAY], [
  AC_MSG_NOTICE([the plugins for Slurm $SLURM_VERSION go to $slurmplugindir])
  MW_SLURM_OTHER_SAY
  # the headers have no more than three numbers
  slurm_string=`"$slurm_prefix/bin/scontrol" --version 2>/dev/null | sed 's/.* //'`
  AS_CASE([$slurm_string],
    [$SLURM_VERSION-*[[a-z]]*], [AC_MSG_WARN([this Slurm is a pre-release, $slurm_string: the release takes plugins
  of it for its own, and what they call may be another then; build memwarden again
  when you have the release])],
    [''|$SLURM_VERSION*], [],
    [AC_MSG_WARN([the headers in $slurm_prefix/include are of Slurm $SLURM_VERSION, and its
  scontrol is of $slurm_string, which will not take these plugins: install the headers
  of that one])])
  # only root installs
  AS_IF([test "`id -u`" = 0 && test -d "$slurmplugindir" && test ! -w "$slurmplugindir"],
    [AC_MSG_WARN([$slurmplugindir cannot be written here: install into an image or a
  package by make install DESTDIR=DIR; or ./configure --with-slurm-plugindir=DIR, and
  in slurm.conf: PluginDir=DIR:$slurmplugindir])])
  AS_IF([test -z "$slurm_looks_in"],
    [AC_MSG_WARN([no plugin directory of a Slurm is below $slurm_prefix: say where it
  looks for plugins by --with-slurm-plugindir=DIR, or add $slurmplugindir to
  PluginDir= in slurm.conf])],
    [test "x$slurmplugindir" != "x$slurm_looks_in"],
    [AC_MSG_WARN([Slurm looks for plugins in $slurm_looks_in and will not find
  these; add them to slurm.conf: PluginDir=$slurmplugindir:$slurm_looks_in])])
])

# Slurm's headers, library, plugin directory and version; --with-slurm=PREFIX
# for one that is not the system's.
AC_DEFUN([MW_CHECK_SLURM], [
  AC_ARG_WITH([slurm],
    [AS_HELP_STRING([--with-slurm=PREFIX],
      [build for the Slurm installed in PREFIX (default: the system's)])],
    [slurm_prefix=$withval], [slurm_prefix=/usr])
  AC_ARG_WITH([slurm-plugindir],
    [AS_HELP_STRING([--with-slurm-plugindir=DIR],
      [the plugins go there (default: where this Slurm looks for its own)])],
    [slurmplugindir=$withval], [slurmplugindir=])
  AS_IF([test "x$slurm_prefix" = xyes], [slurm_prefix=/usr])
  mw_multiarch=`$CC -print-multiarch 2>/dev/null`
  # A system's directory, of whose headers nobody is warned: slurm.h itself has
  # functions without a prototype.
  SLURM_CPPFLAGS=
  SLURM_LDFLAGS=
  AS_IF([test "$slurm_prefix" != /usr], [
    SLURM_CPPFLAGS="-isystem $slurm_prefix/include"
    slurm_libdir=$slurm_prefix/lib
    for d in "$slurm_prefix/lib64" "$slurm_prefix/lib/$mw_multiarch"; do
      AS_IF([test -e "$d/libslurm.so"], [slurm_libdir=$d])
    done
    SLURM_LDFLAGS="-L$slurm_libdir -Wl,-rpath,$slurm_libdir"
  ])
  slurm_found=yes
  slurm_lacks="Slurm's headers and libslurm below $slurm_prefix (Debian: libslurm-dev; elsewhere: slurm-devel, or --with-slurm=PREFIX)"
  AC_MSG_CHECKING([for Slurm's headers below $slurm_prefix/include])
  slurm_version_h=$slurm_prefix/include/slurm/slurm_version.h
  AS_IF([test -r "$slurm_version_h" && test -r "$slurm_prefix/include/slurm/spank.h"],
    [slurm_number=`sed -n 's/^#define SLURM_VERSION_NUMBER *\(0x@<:@0-9a-fA-F@:>@*\).*/\1/p' "$slurm_version_h"`
     SLURM_VERSION=`printf '%d.%02d.%d' $(( (slurm_number >> 16) & 255 )) $(( (slurm_number >> 8) & 255 )) $(( slurm_number & 255 ))`
     AS_IF([test -n "$slurm_number"],
       [AC_MSG_RESULT([Slurm $SLURM_VERSION])],
       [AC_MSG_RESULT([yes, but SLURM_VERSION_NUMBER is no number in slurm_version.h])
        slurm_found=no; slurm_lacks="a number as SLURM_VERSION_NUMBER in $slurm_version_h: that of
    a Slurm that was configured"])],
    [AC_MSG_RESULT([no]); slurm_found=no])
  AS_IF([test $slurm_found = yes], [
    mw_saved_libs=$LIBS; mw_saved_ldflags=$LDFLAGS
    LDFLAGS="$LDFLAGS $SLURM_LDFLAGS"
    # not the system's, for the headers of another
    AS_IF([test "$slurm_prefix" != /usr && test ! -e "$slurm_libdir/libslurm.so"],
      [slurm_found=no],
      [AC_CHECK_LIB([slurm], [slurm_requeue], [SLURM_LIBS=-lslurm], [slurm_found=no])])
    AS_IF([test $slurm_found = no],
      [slurm_lacks="libslurm below $slurm_prefix/lib, for the headers of Slurm $SLURM_VERSION that are in
    $slurm_prefix/include (Debian: libslurm-dev; elsewhere: slurm and slurm-devel of one
    version, or --with-slurm=PREFIX where both are)"])
    LIBS=$mw_saved_libs; LDFLAGS=$mw_saved_ldflags
    MW_CHECK_SLURM_API
  ])
  MW_SLURM_PLUGINDIR
  AS_IF([test $slurm_found = no],
    [MW_MISSING="$MW_MISSING
    $slurm_lacks"])
  AC_SUBST([SLURM_CPPFLAGS])
  AC_SUBST([SLURM_LDFLAGS])
  AC_SUBST([SLURM_LIBS])
  AC_SUBST([SLURM_VERSION])
])

AC_DEFUN([MW_REPORT_MISSING], [
  AS_IF([test -n "$MW_MISSING"],
    [AC_MSG_ERROR([missing:$MW_MISSING
  ./test/run and ./contrib/demo install all of these on Debian 12.])])
])
