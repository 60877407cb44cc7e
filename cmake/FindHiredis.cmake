# Finds hiredis, whose Debian package sets variables but defines no target.
# Defines Hiredis::hiredis; a static library where Hiredis_USE_STATIC_LIBS is on.
find_path(HIREDIS_INCLUDE_DIR hiredis/hiredis.h)
if(Hiredis_USE_STATIC_LIBS)
  find_library(HIREDIS_STATIC_LIBRARY NAMES libhiredis.a)
  set(_hiredis HIREDIS_STATIC_LIBRARY)
else()
  find_library(HIREDIS_LIBRARY hiredis)
  set(_hiredis HIREDIS_LIBRARY)
endif()
mark_as_advanced(HIREDIS_INCLUDE_DIR ${_hiredis})

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Hiredis REQUIRED_VARS ${_hiredis} HIREDIS_INCLUDE_DIR)
if(Hiredis_FOUND AND NOT TARGET Hiredis::hiredis)
  add_library(Hiredis::hiredis UNKNOWN IMPORTED)
  set_target_properties(Hiredis::hiredis PROPERTIES
    IMPORTED_LOCATION "${${_hiredis}}"
    INTERFACE_INCLUDE_DIRECTORIES "${HIREDIS_INCLUDE_DIR}")
endif()
