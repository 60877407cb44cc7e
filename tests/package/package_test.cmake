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
              ${CMAKE_CTEST_COMMAND} --test-dir "${SCRATCH}/${name}" --output-on-failure
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
if(needed MATCHES "lib(pq|hiredis|soci)[^]]*")
  message(FATAL_ERROR "core_only links ${CMAKE_MATCH_0}")
endif()

# A component that does not exist is named, and so are those that do.
configure_command(unknown_component configure)
run(COMMAND ${configure} RESULT code OUTPUT output)
string(REGEX REPLACE "[ \n]+" " " output "${output}")
if(NOT code OR NOT output MATCHES "no component 'mongodb'; its components are core, ")
  message(FATAL_ERROR "an unknown component is not refused clearly:\n${output}")
endif()
message(STATUS "unknown_component: refused")
