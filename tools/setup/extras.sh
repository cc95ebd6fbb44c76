# shellcheck shell=bash
# Optional parts, each with tests of its own: a file requirements/extras/NAME.txt is the extra NAME.
# Its packages go to an environment that lies over .venv, so that only the tests of the extra see
# them, also where they replace a version. Expects $root, $platform and the stages.

readonly extras="$root/.venv/extras"

# Prints the names of all extras, one a line.
known_extras() {
  local file
  for file in "$root"/requirements/extras/*.txt; do
    [[ -f $file ]] || continue
    file=${file##*/}
    printf '%s\n' "${file%.txt}"
  done
}

# check_extras NAME…: end with one line unless there is at least one, and all are known.
check_extras() {
  local name
  local -a known
  mapfile -t known < <(known_extras)
  (($#)) || fail 'test --extras needs at least one name.' "There are: ${known[*]}"
  for name in "$@"; do
    [[ " ${known[*]} " == *" $name "* ]] ||
      fail "There is no extra '$name'; there are: ${known[*]}."
  done
}

extra_key() { # NAME
  (venv_key && packages_key && dev_key && cat "$root/requirements/extras/$1.txt") | digest
}

# Make the environment of an extra, unless it is there.
ensure_extra() { # NAME
  local name=$1 folder="$extras/$1" log="$logs/extra_$1.log"
  local -a options=()
  has_stamp "extra_$name" "$(extra_key "$name")" && [[ -x $folder/bin/python ]] && return 0
  take_lock
  say "Installing the extra $name"
  [[ $platform == ros ]] && options=(--system-site-packages)
  rm -rf "$folder"
  if ! { run_logged "$log" "$venv/bin/python" -m venv "${options[@]}" "$folder" &&
    run_logged "$log" "$folder/bin/python" "$root/tools/setup/overlay.py" "$venv" &&
    run_logged "$log" env -u _ROS_WHEELS_BOOTSTRAP_COMPLETE "$folder/bin/python" -m pip install \
      --no-input -r "$root/requirements/extras/$name.txt"; }; then
    fail "The extra $name could not be installed." "See $log"
  fi
  write_stamp "extra_$name" "$(extra_key "$name")"
  exec 9>&-
}

# test_extra NAME [pytest options]: run the tests of an extra. Programs that they start are those of
# .venv, and find the extra by PYTHONPATH.
test_extra() (
  name=$1
  shift
  folder="$extras/$name"
  if [[ $platform == wheels ]]; then
    # The start-up hook of the ROS wheels looks for their libraries in its own environment only.
    LD_LIBRARY_PATH=$("$venv/bin/python" -c 'import os; print(os.environ["LD_LIBRARY_PATH"])')
    export LD_LIBRARY_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
  fi
  export PATH="$folder/bin:$PATH" VIRTUAL_ENV="$folder"
  PYTHONPATH=$(printf '%s:' "$folder"/lib/python*/site-packages)${PYTHONPATH:-}
  export PYTHONPATH
  say "Testing the extra $name"
  exec "$folder/bin/python" -m pytest --extra "$name" "$@"
)
