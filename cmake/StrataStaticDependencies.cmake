# With STRATA_STATIC_DEPENDENCIES, hiredis, OpenSSL, Boost and zstd are linked statically, by
# the variables that their find modules read. libpq stays shared: the static one of Debian needs
# libraries that Debian does not have as static ones. Abseil, fmt, spdlog and prometheus-cpp come as
# their own CMake packages were built.
#
# Read by the installed package too: a program that uses it chooses for itself.
if(STRATA_STATIC_DEPENDENCIES)
  set(Boost_USE_STATIC_LIBS ON)
  set(Hiredis_USE_STATIC_LIBS ON)
  set(OPENSSL_USE_STATIC_LIBS ON)
endif()

# zstd::libzstd, which zstd before 1.5.6 does not define: the library that is wanted, of those that
# find_package(zstd) found.
function(strata_define_zstd)
  if(TARGET zstd::libzstd)
    return()
  endif()
  add_library(zstd::libzstd INTERFACE IMPORTED GLOBAL)
  if(STRATA_STATIC_DEPENDENCIES AND TARGET zstd::libzstd_static)
    target_link_libraries(zstd::libzstd INTERFACE zstd::libzstd_static)
  elseif(TARGET zstd::libzstd_shared)
    target_link_libraries(zstd::libzstd INTERFACE zstd::libzstd_shared)
  else()
    target_link_libraries(zstd::libzstd INTERFACE zstd::libzstd_static)
  endif()
endfunction()
