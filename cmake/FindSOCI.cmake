# Finds SOCI 4 with its PostgreSQL backend, which Debian ships without a CMake package.
# Defines SOCI::core and SOCI::postgresql; static libraries where SOCI_USE_STATIC_LIBS is on.
find_path(SOCI_INCLUDE_DIR soci/soci.h)
if(SOCI_USE_STATIC_LIBS)
  find_library(SOCI_CORE_STATIC_LIBRARY NAMES libsoci_core.a)
  find_library(SOCI_POSTGRESQL_STATIC_LIBRARY NAMES libsoci_postgresql.a)
  set(_soci_core SOCI_CORE_STATIC_LIBRARY)
  set(_soci_postgresql SOCI_POSTGRESQL_STATIC_LIBRARY)
else()
  find_library(SOCI_CORE_LIBRARY soci_core)
  find_library(SOCI_POSTGRESQL_LIBRARY soci_postgresql)
  set(_soci_core SOCI_CORE_LIBRARY)
  set(_soci_postgresql SOCI_POSTGRESQL_LIBRARY)
endif()
mark_as_advanced(SOCI_INCLUDE_DIR ${_soci_core} ${_soci_postgresql})

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SOCI REQUIRED_VARS ${_soci_core} ${_soci_postgresql}
                                                     SOCI_INCLUDE_DIR)
if(SOCI_FOUND AND NOT TARGET SOCI::core)
  add_library(SOCI::core UNKNOWN IMPORTED)
  set_target_properties(SOCI::core PROPERTIES
    IMPORTED_LOCATION "${${_soci_core}}"
    INTERFACE_INCLUDE_DIRECTORIES "${SOCI_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${CMAKE_DL_LIBS}")
  find_package(PostgreSQL REQUIRED)
  add_library(SOCI::postgresql UNKNOWN IMPORTED)
  set_target_properties(SOCI::postgresql PROPERTIES
    IMPORTED_LOCATION "${${_soci_postgresql}}"
    INTERFACE_LINK_LIBRARIES "SOCI::core;PostgreSQL::PostgreSQL")
endif()
