# How every target of this project is made, so that the folders' CMakeLists.txt only say what is in
# them: strata_library(), strata_program(), strata_test().

set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# Warnings, sanitizers and the language, for code of this project only.
function(strata_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  if(STRATA_PRECOMPILE_HEADERS)
    # Libraries and programs alike, to share what is precompiled.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                           -Woverloaded-virtual -Wno-missing-field-initializers
                                           $<$<BOOL:${STRATA_WARNINGS_AS_ERRORS}>:-Werror>)
  # GCC 12 sees overlapping copies and accesses out of bounds in optimised std::string where there are
  # none (PR 105651, PR 105329); precompiled, its header is no system header to these warnings.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-array-bounds
                                             -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  target_compile_definitions(${target} PRIVATE $<$<BOOL:${STRATA_MUTANTS}>:STRATA_MUTANTS>)
  if(STRATA_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${STRATA_SANITIZE}
                                             -fno-sanitize-recover=all -fno-omit-frame-pointer)
    # What sanitizers add keeps GCC from seeing what is initialized (its manual, on -fsanitize):
    # it warns of std::regex itself.
    target_compile_options(${target} PRIVATE
                           $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_link_options(${target} PUBLIC -fsanitize=${STRATA_SANITIZE})
  endif()
  if(STRATA_COVERAGE)
    # Threads share the counters. Those of tests and of others' headers would cost time for nothing.
    target_compile_options(${target} PRIVATE --coverage -fprofile-update=atomic
      "-fprofile-exclude-files=^/usr/|(^|/)(tests|examples|bench|fuzz|build)/")
    target_link_options(${target} PUBLIC --coverage)
  endif()
endfunction()

# strata_precompiled_headers(strata_headers [LIBS lib …] HEADERS <string> …): a target that precompiles them, for
# strata_use_precompiled_headers(target strata_headers). It defines no macro that its users lack,
# with which GCC would refuse what it made.
function(strata_precompiled_headers name)
  cmake_parse_arguments(ARG "" "" "LIBS;HEADERS" ${ARGN})
  set(source "${PROJECT_BINARY_DIR}/${name}.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "// Only to precompile headers.\n")
  add_library(${name} OBJECT EXCLUDE_FROM_ALL "${source}")
  strata_compile_options(${name})
  target_link_libraries(${name} PRIVATE absl::flat_hash_map absl::span absl::statusor absl::time
                                        Boost::headers fmt::fmt ${ARG_LIBS})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
endfunction()

function(strata_use_precompiled_headers target from)
  if(NOT STRATA_PRECOMPILE_HEADERS)
    return()
  endif()
  target_precompile_headers(${target} REUSE_FROM ${from})
  # Without it ccache cannot tell what of a precompiled header a source has used.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endfunction()

if(STRATA_PRECOMPILE_HEADERS)
  strata_precompiled_headers(strata_headers HEADERS
    <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <functional> <map> <memory>
    <mutex> <optional> <string> <string_view> <tuple> <utility> <vector>
    <absl/container/flat_hash_map.h> <absl/status/statusor.h> <absl/time/time.h>
    <absl/types/span.h> <boost/describe.hpp> <fmt/format.h>)
endif()

# strata_library(net HEADERS include/strata/adapters/net SOURCES a.cpp … PUBLIC lib … PRIVATE lib …)
# The static library strata_<name>, known as strata::<name> here and in the installed package.
# HEADERS names folders below the project; every header in them is public, is installed, and is
# compiled alone by the target strata_<name>_verify_interface_header_sets.
function(strata_library name)
  cmake_parse_arguments(ARG "" "" "HEADERS;SOURCES;PUBLIC;PRIVATE" ${ARGN})
  set(target strata_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  add_library(strata::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON)
  strata_compile_options(${target})
  set(headers)
  foreach(folder IN LISTS ARG_HEADERS)
    file(GLOB found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.h")
    list(APPEND headers ${found})
  endforeach()
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include"
                                  FILES ${headers})
  # Sources of a layer include each other's private headers by their path from the project's root.
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE} fmt::fmt)
  strata_use_precompiled_headers(${target} strata_headers)
  strata_component(${name} ${ARG_PUBLIC} ${ARG_PRIVATE} fmt::fmt)
endfunction()

# strata_umbrella(stores policy clarify …): the target strata::stores, which is nothing but those.
function(strata_umbrella name)
  set(target strata_${name})
  add_library(${target} INTERFACE)
  add_library(strata::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  list(TRANSFORM ARGN PREPEND strata::)
  target_link_libraries(${target} INTERFACE ${ARGN})
  strata_component(${name} ${ARGN})
endfunction()

# Installs the target strata_<name> as a component of the package that stands on `ARGN`.
function(strata_component name)
  install(TARGETS strata_${name} EXPORT strata-${name} FILE_SET HEADERS
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT strata-${name} NAMESPACE strata:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/strata
          FILE strata-${name}.cmake)
  set_property(GLOBAL APPEND PROPERTY STRATA_COMPONENTS ${name})
  set_property(GLOBAL PROPERTY STRATA_LINKS_${name} ${ARGN})
endfunction()

# strata_package(): installs what find_package(strata CONFIG) reads. Call it after all libraries.
function(strata_package)
  include(CMakePackageConfigHelpers)
  set(destination ${CMAKE_INSTALL_LIBDIR}/cmake/strata)
  strata_component_table(STRATA_COMPONENT_TABLE)
  configure_package_config_file(cmake/strataConfig.cmake.in strataConfig.cmake
                                INSTALL_DESTINATION ${destination})
  write_basic_package_version_file(strataConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/strataConfig.cmake"
                "${CMAKE_CURRENT_BINARY_DIR}/strataConfigVersion.cmake"
                cmake/FindHiredis.cmake cmake/StrataStaticDependencies.cmake
          DESTINATION ${destination})
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
endfunction()

# Which components and which packages each component stands on, told from what it links.
function(strata_component_table result)
  get_property(components GLOBAL PROPERTY STRATA_COMPONENTS)
  set(table "set(_strata_components ${components})")
  foreach(component IN LISTS components)
    get_property(links GLOBAL PROPERTY STRATA_LINKS_${component})
    set(needs)
    set(packages)
    foreach(link IN LISTS links)
      if(link MATCHES "^strata::(.+)$")
        list(APPEND needs ${CMAKE_MATCH_1})
      elseif(link MATCHES "^([^:]+)::")
        list(APPEND packages ${CMAKE_MATCH_1})
      endif()
    endforeach()
    list(REMOVE_DUPLICATES packages)
    string(APPEND table "\nset(_strata_needs_${component} ${needs})"
                        "\nset(_strata_packages_${component} ${packages})")
  endforeach()
  string(REPLACE ";" " " table "${table}")
  set(${result} "${table}" PARENT_SCOPE)
endfunction()

# strata_program(demo SOURCES a.cpp … LIBS lib … [PRECOMPILED strata_headers])
function(strata_program name)
  cmake_parse_arguments(ARG "" "PRECOMPILED" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  strata_compile_options(${name})
  if(NOT ARG_PRECOMPILED)
    set(ARG_PRECOMPILED strata_headers)
  endif()
  strata_use_precompiled_headers(${name} ${ARG_PRECOMPILED})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} fmt::fmt)
endfunction()

# strata_test(id_test.cpp LIBS lib …): one test program per file, named after it. The suffix says
# what it needs: _test nothing, _pgtest PostgreSQL, _redistest Redis, _chaostest both and faults. The
# labels of the test follow from it.
function(strata_test source)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LIBS" ${ARGN})
  get_filename_component(name "${source}" NAME_WE)
  strata_program(${name} SOURCES ${source} LIBS ${ARG_LIBS} strata::testing GTest::gmock_main
                 PRECOMPILED strata_test_headers)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  strata_label_by_suffix(${name})
endfunction()

# The labels of tests, for `./dev test --label`. Every test has exactly one of `fast` (it starts no
# server) and `servers`; tests/lint checks that. `chaos` (faults) and `timing` come on top.
function(strata_label_by_suffix test)
  if(test MATCHES "_chaostest$")
    set(labels servers chaos)
  elseif(test MATCHES "_(pgtest|redistest)$")
    set(labels servers)
  elseif(test MATCHES "_test$")
    set(labels fast)
  else()
    message(FATAL_ERROR "the suffix of the test ${test} does not say what it needs")
  endif()
  set_property(TEST ${test} APPEND PROPERTY LABELS ${labels})
endfunction()

# strata_timing_tests(NAME…): their outcome depends on real time. They compare a measured duration with
# an upper limit, or need an answer within a timeout of less than a second, or need both processors.
function(strata_timing_tests)
  set_property(TEST ${ARGN} APPEND PROPERTY LABELS timing)
endfunction()
