# The installed package works for a stranger: see CMakeLists.txt.
set(here "${CMAKE_CURRENT_LIST_DIR}")
set(prefix "${SCRATCH}/prefix")
file(REMOVE_RECURSE "${SCRATCH}")

# Runs a command. Its output is shown only when it fails; `RESULT` receives "failed" instead.
function(run)
  cmake_parse_arguments(ARG "" "RESULT;OUTPUT" "COMMAND" ${ARGN})
  execute_process(COMMAND ${ARG_COMMAND} RESULT_VARIABLE code
                  OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(code AND NOT ARG_RESULT)
    list(JOIN ARG_COMMAND " " command)
    message(FATAL_ERROR "${command}\n${output}")
  endif()
  if(ARG_RESULT)
    set(${ARG_RESULT} ${code} PARENT_SCOPE)
  endif()
  if(ARG_OUTPUT)
    set(${ARG_OUTPUT} "${output}" PARENT_SCOPE)
  endif()
endfunction()

# The command line that configures the stranger's project `name`.
function(configure_command name result)
  set(command ${CMAKE_COMMAND} -S "${here}/${name}" -B "${SCRATCH}/${name}" -G "${GENERATOR}"
              -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${COMPILER})
  if(LAUNCHER)
    list(APPEND command -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
  endif()
  set(${result} ${command} PARENT_SCOPE)
endfunction()

function(build_and_test name)
  configure_command(${name} configure)
  run(COMMAND ${configure})
  run(COMMAND ${CMAKE_COMMAND} --build "${SCRATCH}/${name}" -j 2)
  # A database that happens to be configured here is not the stranger's.
  run(COMMAND ${CMAKE_COMMAND} -E env --unset=DATABASE_URL --unset=REDIS_URL
              --unset=STRATA_APP ${CMAKE_CTEST_COMMAND} --test-dir "${SCRATCH}/${name}" --output-on-failure
              --no-tests=error)
  message(STATUS "${name}: built and tested")
endfunction()

run(COMMAND ${CMAKE_COMMAND} --install "${STRATA_BUILD}" --prefix "${prefix}")

# The package can be moved: nothing in it remembers where it was built.
file(GLOB_RECURSE installed "${prefix}/*.cmake" "${prefix}/*.h")
foreach(file IN LISTS installed)
  file(READ "${file}" text)
  string(FIND "${text}" "${STRATA_SOURCE}/" found)
  if(NOT found EQUAL -1)
    message(FATAL_ERROR "${file} names ${STRATA_SOURCE}")
  endif()
endforeach()
if(NOT EXISTS "${prefix}/share/doc/strata/LICENSE")
  message(FATAL_ERROR "the license is not installed")
endif()

build_and_test(feature_flags)
build_and_test(core_only)

# Whoever wants only the in-memory store links neither database library.
find_program(READELF readelf REQUIRED)
run(COMMAND "${READELF}" --dynamic "${SCRATCH}/core_only/core_only" OUTPUT needed)
if(needed MATCHES "lib(pq|hiredis)[^]]*")
  message(FATAL_ERROR "core_only links ${CMAKE_MATCH_0}")
endif()

# A program may link the libraries of others statically; libpq, Abseil and fmt stay shared.
configure_command(feature_flags configure)
run(COMMAND ${configure} -D STRATA_STATIC_DEPENDENCIES=ON -B "${SCRATCH}/static")
run(COMMAND ${CMAKE_COMMAND} --build "${SCRATCH}/static" -j 2 --target feature_flags)
run(COMMAND "${READELF}" --dynamic "${SCRATCH}/static/feature_flags" OUTPUT needed)
if(needed MATCHES "lib(hiredis|zstd|ssl|crypto|boost)[^]]*")
  message(FATAL_ERROR "with STRATA_STATIC_DEPENDENCIES a program links ${CMAKE_MATCH_0}")
endif()
if(NOT needed MATCHES "libpq")
  message(FATAL_ERROR "readelf shows no shared libraries:\n${needed}")
endif()
run(COMMAND ${CMAKE_COMMAND} -E env --unset=DATABASE_URL --unset=REDIS_URL
            "${SCRATCH}/static/feature_flags")
message(STATUS "static: built and run")

# strata::core builds where only Abseil, Boost, fmt, spdlog and zstd are installed, and where no build
# type is named it is an optimised one.
set(disabled)
foreach(package PostgreSQL OpenSSL Hiredis prometheus-cpp GTest)
  list(APPEND disabled -D CMAKE_DISABLE_FIND_PACKAGE_${package}=ON)
endforeach()
run(COMMAND ${CMAKE_COMMAND} -S "${STRATA_SOURCE}" -B "${SCRATCH}/core_alone" -G "${GENERATOR}"
            -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}
            -D CMAKE_CXX_FLAGS_RELWITHDEBINFO=-O0
            -D STRATA_PRECOMPILE_HEADERS=ON -D STRATA_WITH_POSTGRES=OFF
            -D STRATA_WITH_REDIS=OFF -D STRATA_WITH_PROMETHEUS=OFF ${disabled})
run(COMMAND ${CMAKE_COMMAND} --build "${SCRATCH}/core_alone" -j 2 --target strata_core)
file(STRINGS "${SCRATCH}/core_alone/CMakeCache.txt" type REGEX "^CMAKE_BUILD_TYPE:")
if(NOT type MATCHES "=RelWithDebInfo$")
  message(FATAL_ERROR "no build type was named, and it is ${type}")
endif()
# What cannot be built without the rest says so.
run(COMMAND ${CMAKE_COMMAND} -S "${STRATA_SOURCE}" -B "${SCRATCH}/core_alone"
            -D STRATA_BUILD_TESTS=ON
    RESULT code OUTPUT output)
if(NOT code OR NOT output MATCHES "STRATA_WITH_POSTGRES")
  message(FATAL_ERROR "tests without PostgreSQL are not refused clearly:\n${output}")
endif()
message(STATUS "core_alone: built")

# A component that does not exist is named, and so are those that do.
configure_command(unknown_component configure)
run(COMMAND ${configure} RESULT code OUTPUT output)
string(REGEX REPLACE "[ \n]+" " " output "${output}")
if(NOT code OR NOT output MATCHES "no component 'mongodb'; its components are core, ")
  message(FATAL_ERROR "an unknown component is not refused clearly:\n${output}")
endif()
message(STATUS "unknown_component: refused")
