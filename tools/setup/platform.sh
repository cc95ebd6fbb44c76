# shellcheck shell=bash
# Which kind of machine this is: a sourced ROS 2 Jazzy, or one where ROS comes as Python wheels.

readonly needed_distro='jazzy'
readonly needed_python='3.11'

# The ros2 command of an installation; the stand-in inside our own environment does not count.
real_ros2() {
  local folder
  local -a folders
  IFS=: read -r -a folders <<<"$PATH"
  for folder in "${folders[@]}"; do
    if [[ -n $folder && -x $folder/ros2 && $folder != "$root/.venv/bin" && ! -e $folder/../pyvenv.cfg ]]; then
      printf '%s\n' "$folder/ros2"
      return 0
    fi
  done
  return 1
}

# Sets $platform to 'ros' or 'wheels', or ends with one line.
detect_platform() {
  local distro=${ROS_DISTRO:-}
  if [[ -n $distro && $distro != "$needed_distro" ]]; then
    fail "ROS 2 $distro is sourced, but devrobot is built for $needed_distro." \
      "Use a terminal that has $needed_distro sourced, or none: then ROS comes as Python packages."
  fi
  if [[ -n $distro ]] && real_ros2 >/dev/null; then
    platform='ros'
  else
    platform='wheels'
  fi
}

# Prints "version<TAB>executable<TAB>missing parts" of a Python interpreter.
describe_python() {
  "$1" - 2>/dev/null <<'PY'
import importlib.util
import os
import sys
import sysconfig

missing = []
if importlib.util.find_spec('ensurepip') is None or importlib.util.find_spec('venv') is None:
    missing.append('venv')
if not os.path.exists(os.path.join(sysconfig.get_paths()['include'], 'Python.h')):
    missing.append('dev')
executable = getattr(sys, '_base_executable', None) or sys.executable
print('%d.%d' % sys.version_info[:2], executable, ' '.join(missing), sep='\t')
PY
}

python_candidates() {
  if [[ -n ${DEVROBOT_PYTHON:-} ]]; then
    printf '%s\n' "$DEVROBOT_PYTHON"
    return
  fi
  if [[ $platform == ros ]]; then
    printf '%s\n' /usr/bin/python3 python3
    return
  fi
  local folder
  printf '%s\n' "python$needed_python" python3 "/usr/bin/python$needed_python" "/usr/local/bin/python$needed_python"
  for folder in "${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}/versions/$needed_python."*; do
    printf '%s\n' "$folder/bin/python$needed_python"
  done
}

# Sets $python (an executable), $python_version and $python_missing ('' or 'venv', 'dev').
# Prefers a complete interpreter; returns 1 if there is none at all.
find_python() {
  local candidate description version executable missing
  python='' python_version='' python_missing=''
  while read -r candidate; do
    command -v "$candidate" >/dev/null || continue
    description=$(describe_python "$candidate") || continue
    IFS=$'\t' read -r version executable missing <<<"$description"
    [[ $platform == ros || $version == "$needed_python" ]] || continue
    if [[ -z $python || -z $missing ]]; then
      python=$executable python_version=$version python_missing=$missing
    fi
    [[ -n $missing ]] || break
  done < <(python_candidates)
  [[ -n $python ]]
}

python_install_line() {
  if command -v apt-get >/dev/null && grep -qs 'bookworm' /etc/os-release; then
    printf 'sudo apt-get install -y python%s python%s-venv python%s-dev' \
      "$needed_python" "$needed_python" "$needed_python"
  else
    printf 'pyenv install %s' "$needed_python"
  fi
}

# Prints the Debian packages that are missing for building, one a line.
missing_packages() {
  command -v g++ >/dev/null || printf 'g++\n'
  command -v cmake >/dev/null || printf 'cmake\n'
  command -v make >/dev/null || command -v ninja >/dev/null || printf 'make\n'
  local part
  for part in ${python_missing:-}; do
    printf 'python%s-%s\n' "$python_version" "$part"
  done
}
