# shellcheck shell=bash
# The set-up: environment, Python packages, ros2 stand-in, build. A stage writes its stamp only
# after it succeeded, and a stamp holds a digest of all that went in, so each stage can be cut
# short at any moment and is then done again. Expects $root and $platform.

readonly venv="$root/.venv"
readonly stamps="$root/.venv/.devrobot"
readonly logs="$root/log/setup"
readonly needed_megabytes=3000

digest() {
  sha256sum | cut -c1-32
}

has_stamp() { # NAME KEY
  local found=''
  [[ -f $stamps/$1 ]] && found=$(<"$stamps/$1")
  [[ $found == "$2" ]]
}

write_stamp() { # NAME KEY
  mkdir -p "$stamps"
  printf '%s\n' "$2" >"$stamps/$1.new"
  mv -f "$stamps/$1.new" "$stamps/$1"
}

# --- what goes into each stage ------------------------------------------------------------------

venv_key() {
  printf '%s %s' "$platform" "$root"
}

packages_key() {
  (cd "$root/requirements" && printf '%s\n' "$platform" &&
    cat constraints.txt core.txt ros.txt colcon.txt) | digest
}

dev_key() {
  (cd "$root/requirements" && cat constraints.txt dev.txt) | digest
}

standin_wanted() {
  [[ $platform == wheels && -f $root/tools/ros2_standin/pyproject.toml ]]
}

standin_key() {
  digest <"$root/tools/ros2_standin/pyproject.toml"
}

# The folders of the packages that can be built, relative to the root.
source_packages() {
  local manifest folder
  for manifest in "$root"/src/*/package.xml; do
    folder=${manifest%/package.xml}
    if [[ -f $folder/CMakeLists.txt || -f $folder/setup.py ]]; then
      printf '%s\n' "${folder#"$root"/}"
    fi
  done
}

# Python edits are live in a symlink install; what needs a build is the metadata, the interface
# definitions, and the list of installed files (in a CMake package that includes the modules).
package_key() { # FOLDER
  local -a modules=()
  [[ -f $root/$1/setup.py ]] && modules=(! -name '*.py')
  (
    cd "$root/$1" || exit 1
    printf '%s\n' "$platform"
    find . \( -name test -o -name __pycache__ -o -name '*.egg-info' -o -name '.*_cache' \) -prune \
      -o -type f "${modules[@]}" ! -name '*.md' ! -name '*.rst' -print | LC_ALL=C sort
    find . -maxdepth 2 -type f \( -name package.xml -o -name CMakeLists.txt -o -name setup.py \
      -o -name setup.cfg -o -name pyproject.toml -o -name '*.msg' -o -name '*.srv' \
      -o -name '*.action' \) -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  ) | digest
}

# --- the stages ---------------------------------------------------------------------------------

may_use_apt() {
  ((EUID == 0)) && command -v apt-get >/dev/null
}

install_with_apt() { # PACKAGE…
  say "Installing $* with apt"
  run_logged "$logs/apt.log" bash -c 'apt-get update && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "$@"' apt "$@"
}

install_system_packages() {
  local -a missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  if may_use_apt; then
    install_with_apt "${missing[@]}" || fail "apt could not install ${missing[*]}." "See $logs/apt.log"
    return 0
  fi
  fail "Missing for the build: ${missing[*]}." "Run: sudo apt-get install -y ${missing[*]}"
}

check_machine() {
  if [[ $platform == wheels && $(uname -sm) != 'Linux x86_64' ]]; then
    fail "Without a ROS installation devrobot needs Linux on x86-64; this is $(uname -sm)." \
      "Install ROS 2 $needed_distro, source it, and run the same command again."
  fi
  if ! find_python; then
    fail "Python $needed_python was not found; without a ROS installation it is needed." \
      "Run: $(python_install_line)" 'Or name one: DEVROBOT_PYTHON=/path/to/python3.11 ./devrobot setup'
  fi
  install_system_packages
}

venv_runs() {
  [[ -x $venv/bin/python ]] && "$venv/bin/python" -c '' 2>/dev/null
}

make_venv() {
  has_stamp venv "$(venv_key)" && venv_runs && return 0
  check_machine
  local -a options=()
  [[ $platform == ros ]] && options=(--system-site-packages)
  say "Making the environment .venv with Python $python_version"
  rm -rf "$venv" "$root/build" "$root/install"
  run_logged "$logs/venv.log" "$python" -m venv "${options[@]}" "$venv" ||
    fail 'The environment could not be made.' "See $logs/venv.log, then run: ./devrobot doctor"
  write_stamp venv "$(venv_key)"
}

# install_requirements LOG FILE…: pip with the pinned versions; the caller's PIP_* settings hold.
install_requirements() {
  local log=$1 file
  local -a wanted=()
  shift
  for file in "$@"; do
    wanted+=(-r "$root/requirements/$file.txt")
  done
  run_logged "$log" env -u _ROS_WHEELS_BOOTSTRAP_COMPLETE "$venv/bin/python" -m pip install \
    --no-input -c "$root/requirements/constraints.txt" "${wanted[@]}" ||
    fail 'The Python packages could not be installed.' \
      "See $log. If it was the network, run the same command again: it goes on from here."
}

check_disk() {
  local free
  free=$(df -Pm "$root" | awk 'NR == 2 {print $4}')
  if [[ -n $free ]] && ((free < needed_megabytes)); then
    fail "Only $free MB are free for $root; the set-up needs $needed_megabytes MB." \
      'Free some space and run the same command again.'
  fi
}

# Forget what a killed pip left half-installed, and note that pip is about to run.
begin_packages() {
  if [[ -f $stamps/pip_is_running ]]; then
    say 'The last installation was cut short; checking what is there'
    run_logged "$logs/mend.log" "$venv/bin/python" "$root/tools/setup/mend_wheels.py" packages ||
      fail 'The environment could not be checked.' 'Run: rm -r .venv && ./devrobot setup'
  fi
  mkdir -p "$stamps"
  touch "$stamps/pip_is_running"
}

end_packages() {
  if [[ $platform == wheels ]]; then
    run_logged "$logs/paths.log" "$venv/bin/python" "$root/tools/setup/mend_wheels.py" paths ||
      fail 'The CMake files of the ROS packages could not be corrected.' "See $logs/paths.log"
  fi
  rm -f "$stamps/pip_is_running"
}

install_packages() {
  has_stamp packages "$(packages_key)" && return 0
  check_disk
  say 'Installing Python packages (about 1.5 GB; one to some minutes)'
  begin_packages
  local -a files=(core)
  if [[ $platform == wheels ]]; then
    files+=(ros colcon)
  elif ! command -v colcon >/dev/null; then
    files+=(colcon)
  fi
  install_requirements "$logs/pip.log" "${files[@]}"
  end_packages
  write_stamp packages "$(packages_key)"
}

# The tests of web pages look at them in a browser; without one they are left out.
install_browser() {
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null && return 0
  if may_use_apt && install_with_apt chromium; then
    return 0
  fi
  note 'There is no chromium, so tests of web pages are left out. Run: sudo apt-get install -y chromium'
}

install_dev_packages() {
  has_stamp dev "$(dev_key)" && return 0
  install_browser
  say 'Installing the test tools'
  begin_packages
  install_requirements "$logs/pip_dev.log" dev
  end_packages
  write_stamp dev "$(dev_key)"
}

install_standin() {
  standin_wanted || return 0
  has_stamp standin "$(standin_key)" && return 0
  say 'Installing the ros2 stand-in'
  begin_packages
  run_logged "$logs/standin.log" "$venv/bin/python" -m pip install --no-input --no-deps \
    --no-build-isolation -e "$root/tools/ros2_standin" ||
    fail 'The ros2 stand-in could not be installed.' "See $logs/standin.log"
  end_packages
  write_stamp standin "$(standin_key)"
}

# Packages that are installed but no longer in src/.
gone_packages() {
  local manifest name
  for manifest in "$root"/install/*/share/*/package.xml; do
    name=${manifest%/package.xml}
    name=${name##*/}
    if [[ -f $manifest && ! -e $root/src/$name/package.xml ]]; then
      printf '%s\n' "$name"
    fi
  done
}

# What they left would stay in the environment.
remove_gone_packages() {
  local name
  while read -r name; do
    say "Removing $name: it is no longer in src/"
    rm -rf "$root/build/$name" "$root/install/$name"
  done < <(gone_packages)
}

# colcon_build PACKAGE…: in its own process, since it changes the environment.
colcon_build() (
  enter_venv
  cd "$root" || exit 1
  for name in "$@"; do
    rm -f "build/$name/colcon_build.rc"
  done
  colcon --log-base log build --base-paths src --build-base build --install-base install \
    --symlink-install --continue-on-error --packages-select "$@" --event-handlers console_direct+ \
    --cmake-args -DBUILD_TESTING=OFF -DPython3_FIND_VIRTUALENV=ONLY \
    "-DPython3_EXECUTABLE=$root/.venv/bin/python" --no-warn-unused-cli
)

build_packages() {
  local folder name
  local -a stale=()
  local -A keys=()
  remove_gone_packages
  while read -r folder; do
    name=${folder##*/}
    keys[$name]=$(package_key "$folder")
    has_stamp "build_$name" "${keys[$name]}" || stale+=("$name")
  done < <(source_packages)
  ((${#stale[@]})) || return 0
  say "Building ${stale[*]}"
  local built=0
  run_logged "$logs/build.log" colcon_build "${stale[@]}" || built=1
  for name in "${stale[@]}"; do
    if [[ $(cat "$root/build/$name/colcon_build.rc" 2>/dev/null) == 0 ]]; then
      write_stamp "build_$name" "${keys[$name]}"
    else
      built=1
      note "$name was not built"
    fi
  done
  return "$built"
}

# --- all of it ----------------------------------------------------------------------------------

# Cheap: a few digests of small files, no Python.
is_ready() { # [dev]
  has_stamp venv "$(venv_key)" && [[ -x $venv/bin/python ]] &&
    has_stamp packages "$(packages_key)" || return 1
  [[ ${1:-} != dev ]] || has_stamp dev "$(dev_key)" || return 1
  ! standin_wanted || has_stamp standin "$(standin_key)" || return 1
  [[ -z $(gone_packages) ]] || return 1
  local folder
  while read -r folder; do
    [[ -f $root/install/${folder##*/}/share/${folder##*/}/package.xml ]] &&
      has_stamp "build_${folder##*/}" "$(package_key "$folder")" || return 1
  done < <(source_packages)
}

# Two set-ups of one folder wait for each other. The children of a set-up hold the lock too, so
# that what a killed one left running is waited for.
take_lock() {
  command -v flock >/dev/null || fail 'The command flock is missing.' 'Run: sudo apt-get install -y util-linux'
  mkdir -p "$root/log"
  exec 9>"$root/log/setup.lock"
  if ! flock -n 9; then
    say 'Another set-up is running here; waiting for it'
    flock 9
  fi
}

# ensure_ready [dev]: do what is missing. Returns 1 if only the build failed.
ensure_ready() {
  is_ready "${1:-}" && return 0
  take_lock
  local status=0
  if ! is_ready "${1:-}"; then
    make_venv
    install_packages
    [[ ${1:-} != dev ]] || install_dev_packages
    install_standin
    build_packages || status=1
    ((status)) || say 'The set-up is complete'
  fi
  exec 9>&-
  return "$status"
}
