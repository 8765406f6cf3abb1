# What memwarden needs, each with the Debian package that has it.  All that is
# missing is said at once, at the end, not one piece a run.

# MW_CHECK_PKG(VAR, PKG-CONFIG MODULE, DEBIAN PACKAGE)
AC_DEFUN([MW_CHECK_PKG], [
  PKG_CHECK_MODULES([$1], [$2], [],
    [MW_MISSING="$MW_MISSING
    $2 (Debian: $3)"])
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

# Slurm's headers, library, plugin directory and version; --with-slurm=PREFIX
# for one that is not the system's.
AC_DEFUN([MW_CHECK_SLURM], [
  AC_ARG_WITH([slurm],
    [AS_HELP_STRING([--with-slurm=PREFIX],
      [build for the Slurm installed in PREFIX (default: the system's)])],
    [slurm_prefix=$withval], [slurm_prefix=/usr])
  AC_ARG_WITH([slurm-plugindir],
    [AS_HELP_STRING([--with-slurm-plugindir=DIR],
      [Slurm's plugin directory (default: found below PREFIX)])],
    [slurm_plugindir=$withval], [slurm_plugindir=])
  AS_IF([test "x$slurm_prefix" = xyes], [slurm_prefix=/usr])
  SLURM_CPPFLAGS="-I$slurm_prefix/include"
  SLURM_LDFLAGS=
  AS_IF([test "$slurm_prefix" != /usr],
    [SLURM_LDFLAGS="-L$slurm_prefix/lib -Wl,-rpath,$slurm_prefix/lib"])
  slurm_found=yes
  AC_MSG_CHECKING([for Slurm's headers below $slurm_prefix/include])
  slurm_version_h=$slurm_prefix/include/slurm/slurm_version.h
  AS_IF([test -r "$slurm_version_h" && test -r "$slurm_prefix/include/slurm/spank.h"],
    [slurm_number=`sed -n 's/^#define SLURM_VERSION_NUMBER *\(0x[[0-9a-fA-F]]*\).*/\1/p' "$slurm_version_h"`
     SLURM_VERSION=`printf '%d.%02d.%d' $(( (slurm_number >> 16) & 255 )) $(( (slurm_number >> 8) & 255 )) $(( slurm_number & 255 ))`
     AC_MSG_RESULT([Slurm $SLURM_VERSION])],
    [AC_MSG_RESULT([no]); slurm_found=no])
  AS_IF([test $slurm_found = yes], [
    mw_saved_libs=$LIBS; mw_saved_ldflags=$LDFLAGS
    LDFLAGS="$LDFLAGS $SLURM_LDFLAGS"
    AC_CHECK_LIB([slurm], [slurm_requeue], [SLURM_LIBS=-lslurm], [slurm_found=no])
    LIBS=$mw_saved_libs; LDFLAGS=$mw_saved_ldflags
  ])
  AC_MSG_CHECKING([for Slurm's plugin directory])
  AS_IF([test -z "$slurm_plugindir"], [
    mw_multiarch=`$CC -print-multiarch 2>/dev/null`
    for d in "$slurm_prefix/lib/$mw_multiarch/slurm-wlm" \
             "$slurm_prefix/lib64/slurm" "$slurm_prefix/lib/slurm" \
             "$slurm_prefix/lib/slurm-wlm"; do
      AS_IF([test -d "$d"], [slurm_plugindir=$d; break])
    done
  ])
  AS_IF([test -z "$slurm_plugindir"],
    [slurm_plugindir='${libdir}/slurm'])
  AC_MSG_RESULT([$slurm_plugindir])
  AS_IF([test $slurm_found = no],
    [MW_MISSING="$MW_MISSING
    Slurm's headers and libslurm below $slurm_prefix (Debian: libslurm-dev; elsewhere: --with-slurm=PREFIX)"])
  # Where the plugins are installed: Slurm's own directory, but below our own
  # prefix when that is not Slurm's, so that distcheck and DESTDIR stay inside.
  slurmplugindir=`echo "$slurm_plugindir" | sed "s,^$slurm_prefix/,\\${prefix}/,"`
  AC_SUBST([slurmplugindir])
  AC_SUBST([slurm_plugindir])
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
