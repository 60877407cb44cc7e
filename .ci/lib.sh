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
