# shellcheck shell=bash
# What the set-up says, and how it runs long commands quietly. Everything goes to stderr, so that
# the output of a command run through ./devrobot stays clean.

say() {
  printf '[%4d s] %s\n' "$SECONDS" "$*" >&2
}

note() {
  printf 'devrobot: %s\n' "$*" >&2
}

# fail MESSAGE [NEXT_STEP…]: end with one clear line, then what to do about it.
fail() {
  note "$1"
  shift
  local step
  for step in "$@"; do
    printf '          %s\n' "$step" >&2
  done
  exit 1
}

running_child=''

# An interrupted set-up takes its children along (they have their own process group).
stop_child() {
  if [[ -n $running_child ]]; then
    kill -TERM -- "-$running_child" 2>/dev/null
    wait "$running_child" 2>/dev/null
  fi
  note 'interrupted; the same command goes on from here next time'
  exit "$1"
}

# run_logged LOG COMMAND…: run quietly; upon failure show the end of the log and return 1.
run_logged() {
  local log=$1 status=0
  shift
  mkdir -p "${log%/*}"
  printf '$ %s\n' "$*" >"$log"
  trap 'stop_child 130' INT
  trap 'stop_child 143' TERM HUP
  set -m
  "$@" >>"$log" 2>&1 </dev/null &
  running_child=$!
  set +m
  wait "$running_child" || status=$?
  running_child=''
  trap - INT TERM HUP
  if ((status != 0)); then
    printf -- '--- the last lines of %s\n' "$log" >&2
    tail -n 25 "$log" >&2
    printf -- '---\n' >&2
    return 1
  fi
}
