# Sourced by the scripts beside it.
#
# Each of them takes the folder to check as its first argument; without one it is the project. The
# self-tests of the checks (tests/lint) give them small bad trees.

project=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)

# project_files GLOB…: the files below the working folder that belong to the project, tracked or
# about to be. GLOBs are of paths, and `*` matches '/' too. Without git: everything but build/.
project_files() {
  if [ -e .git ] && command -v git >/dev/null; then
    git ls-files -co --exclude-standard --deduplicate -- "$@" | while read -r file; do
      if [ -f "$file" ]; then printf '%s\n' "$file"; fi
    done
  else
    local file glob
    find . -path ./build -prune -o -type f -print | sed 's|^\./||' | while read -r file; do
      for glob in "$@"; do
        # shellcheck disable=SC2053  # the right side is a pattern
        if [[ $file == $glob ]]; then printf '%s\n' "$file"; break; fi
      done
    done
  fi | LC_ALL=C sort
}

# What cmake --preset dev compiles.
compile_commands=build/dev/compile_commands.json

# compiled: the files of the compile commands; those that prove that a header compiles alone are
# among them.
compiled() { sed -n "s|^ *\"file\": \"$PWD/\(.*\)\",\{0,1\}\$|\1|p" "$compile_commands"; }

# sources: the project's own among them.
sources() { project_files '*.cpp' | grep -Fxf <(compiled) || true; }

# changed_files GLOB…: those that differ from HEAD.
changed_files() {
  { git diff --name-only HEAD -- "$@" 2>/dev/null || true
    git ls-files -o --exclude-standard -- "$@"; } | LC_ALL=C sort -u |
    while read -r file; do if [ -f "$file" ]; then printf '%s\n' "$file"; fi; done
}

# changed_sources: those to check again: sources that differ from HEAD, public headers that do, each
# on its own, and the sources that include a private header that does.
changed_sources() {
  local file
  changed_files '*.h' '*.cpp' | while read -r file; do
    case $file in
      include/*.h) compiled | grep "_verify_interface_header_sets/${file#include/}.cxx$" || true ;;
      *.h) sources | xargs -r grep -lF "\"$file\"" || true ;;
      *.cpp) sources | grep -Fx "$file" || true ;;
    esac
  done | LC_ALL=C sort -u
}
