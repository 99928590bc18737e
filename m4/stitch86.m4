# S86_PROG_CC_FOR_BUILD
# The compiler of the machine that builds: for the tools that generate sources.
AC_DEFUN([S86_PROG_CC_FOR_BUILD], [
AC_ARG_VAR([CC_FOR_BUILD], [C compiler for tools that run while building])
AC_ARG_VAR([CFLAGS_FOR_BUILD], [its flags])
AS_IF([test -z "$CC_FOR_BUILD"],
    [AS_IF([test "$cross_compiling" = yes],
        [AC_CHECK_PROGS([CC_FOR_BUILD], [gcc cc clang])],
        [CC_FOR_BUILD=$CC])])
AS_IF([test -z "$CC_FOR_BUILD"], [AC_MSG_ERROR([no C compiler for the build machine; set CC_FOR_BUILD])])
AS_IF([test -z "$CFLAGS_FOR_BUILD"], [CFLAGS_FOR_BUILD="-g -O2"])
])

# S86_SYSROOT
# --with-sysroot (libtool's option too) is for compiler and pkg-config alike.
AC_DEFUN([S86_SYSROOT], [
s86_sysroot=
AS_CASE([$with_sysroot],
    [/*], [s86_sysroot=$with_sysroot
        CC="$CC --sysroot=$s86_sysroot"
        s86_triplet=`$CC -print-multiarch 2>/dev/null`
        AS_IF([test -z "$s86_triplet"], [s86_triplet=$host_alias])
        PKG_CONFIG_SYSROOT_DIR=$s86_sysroot
        PKG_CONFIG_LIBDIR=$s86_sysroot/usr/lib/$s86_triplet/pkgconfig:$s86_sysroot/usr/share/pkgconfig
        export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR])
AC_SUBST([SYSROOT], [$s86_sysroot])
])

# S86_CHECK_ZYDIS
# Debian's libzydis-dev has no .pc file.
AC_DEFUN([S86_CHECK_ZYDIS], [
s86_save_LIBS=$LIBS
AC_CHECK_HEADER([Zydis/Zydis.h],
    [AC_SEARCH_LIBS([ZydisDecoderInit], [Zydis],
        [have_zydis=yes
         AS_IF([test "$ac_cv_search_ZydisDecoderInit" != "none required"],
             [ZYDIS_LIBS=$ac_cv_search_ZydisDecoderInit])])])
LIBS=$s86_save_LIBS
AC_SUBST([ZYDIS_LIBS])
])
