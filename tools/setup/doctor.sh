# shellcheck shell=bash
# ./devrobot doctor: look at everything the set-up needs or makes, change nothing. In bash, so that
# it also works where there is no Python. Expects the set-up's other parts to be loaded.

check_names=() check_states=() check_details=() check_fixes=()

# add_check NAME STATE DETAIL [FIX]; STATE is ok, missing (the verbs cannot work) or note.
add_check() {
  check_names+=("$1")
  check_states+=("$2")
  check_details+=("$3")
  check_fixes+=("${4:-}")
}

check_ros() {
  local distro=${ROS_DISTRO:-}
  if [[ -n $distro && $distro != "$needed_distro" ]]; then
    platform='wheels'
    add_check ros missing "ROS 2 $distro is sourced; devrobot is built for $needed_distro" \
      "use a terminal with $needed_distro sourced, or with none"
    return
  fi
  detect_platform
  if [[ $platform == ros ]]; then
    add_check ros ok "ROS 2 $distro with $(real_ros2)"
  elif [[ -n $distro ]]; then
    add_check ros note "ROS_DISTRO is $distro but there is no ros2 command: ROS comes as Python packages"
  elif [[ $(uname -sm) != 'Linux x86_64' ]]; then
    add_check ros missing "no ROS 2 is sourced, and its Python packages need Linux x86_64, not $(uname -sm)" \
      "install ROS 2 $needed_distro and source it"
  else
    add_check ros ok "no ROS 2 is sourced: ROS $needed_distro comes as Python packages"
  fi
}

check_python() {
  local -a parts
  if ! find_python; then
    add_check python missing "Python $needed_python was not found" "$(python_install_line)"
  elif [[ -n $python_missing ]]; then
    read -r -a parts <<<"$python_missing"
    add_check python missing "$python lacks: $python_missing" \
      "sudo apt-get install -y ${parts[*]/#/python$python_version-}"
  else
    add_check python ok "$python_version at $python"
  fi
}

check_tool() { # NAME PACKAGE COMMAND…: one of the commands must be there
  local name=$1 package=$2 tool
  shift 2
  for tool in "$@"; do
    if command -v "$tool" >/dev/null; then
      add_check "$name" ok "$("$tool" --version 2>/dev/null | head -n 1)"
      return
    fi
  done
  add_check "$name" missing "$name was not found" "sudo apt-get install -y $package"
}

check_venv() {
  local size torch
  if ! has_stamp venv "$(venv_key)" || ! venv_runs; then
    add_check environment missing 'there is no usable .venv' './devrobot setup'
  elif ! has_stamp packages "$(packages_key)"; then
    add_check environment missing 'the Python packages are not those of requirements/' './devrobot setup'
  else
    size=$(du -sm "$venv" | cut -f 1)
    torch=$(cd "$venv" && printf '%s\n' lib/python3*/site-packages/torch-*.dist-info | head -n 1)
    torch=${torch##*/torch-}
    add_check environment ok ".venv, $size MB, torch ${torch%.dist-info}"
  fi
  if has_stamp dev "$(dev_key)"; then
    add_check 'test tools' ok 'installed'
  else
    add_check 'test tools' note 'not installed; ./devrobot test brings them' './devrobot setup --dev'
  fi
}

check_ros2_command() {
  if [[ $platform == ros ]]; then
    return
  elif ! standin_wanted; then
    add_check ros2 note 'there is no ros2 command here'
  elif has_stamp standin "$(standin_key)"; then
    add_check ros2 ok 'the stand-in (tools/ros2_standin)'
  else
    add_check ros2 missing 'the ros2 stand-in is not installed' './devrobot setup'
  fi
}

check_build() {
  local folder name outdated='' built=0
  while read -r folder; do
    name=${folder##*/}
    if [[ -f $root/install/$name/share/$name/package.xml ]] &&
      has_stamp "build_$name" "$(package_key "$folder")"; then
      built=$((built + 1))
    else
      outdated+=" $name"
    fi
  done < <(source_packages)
  if [[ -n $outdated ]]; then
    add_check build missing "not built, or changed since:$outdated" './devrobot setup'
  else
    add_check build ok "$built packages in install/"
  fi
}

check_resources() {
  local free cores
  free=$(df -Pm "$root" | awk 'NR == 2 {print $4}')
  if ((free >= needed_megabytes)); then
    add_check disk ok "$free MB free"
  elif has_stamp packages "$(packages_key)"; then
    add_check disk note "only $free MB free"
  else
    add_check disk missing "only $free MB free; the set-up needs $needed_megabytes MB" 'free some space'
  fi
  cores=$(nproc 2>/dev/null || printf '1')
  if ((cores >= 2)); then
    add_check cores ok "$cores"
  else
    add_check cores note "$cores: the demo will be slow"
  fi
}

json_string() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//[[:cntrl:]]/ }
  printf '"%s"' "$text"
}

report_json() { # OK
  local i comma=''
  printf '{\n  "ok": %s,\n  "platform": %s,\n  "checks": [\n' "$1" "$(json_string "$platform")"
  for i in "${!check_names[@]}"; do
    printf '%s    {"name": %s, "state": %s, "detail": %s, "fix": %s}' "$comma" \
      "$(json_string "${check_names[i]}")" "$(json_string "${check_states[i]}")" \
      "$(json_string "${check_details[i]}")" "$(json_string "${check_fixes[i]}")"
    comma=$',\n'
  done
  printf '\n  ]\n}\n'
}

write_json() { # FILE OK: via a temporary name, so that a reader never sees half a file
  local file=$1
  if ! { report_json "$2" >"$file.new" && mv -f "$file.new" "$file"; } 2>/dev/null; then
    fail "The report could not be written to '$file'." 'Name a file in a folder that exists.'
  fi
}

report_text() {
  local i
  for i in "${!check_names[@]}"; do
    printf '%-8s %-12s %s\n' "${check_states[i]}" "${check_names[i]}" "${check_details[i]}"
    [[ -z ${check_fixes[i]} ]] || printf '%-21s → %s\n' '' "${check_fixes[i]}"
  done
}

doctor() {
  local file='' ok='true' i
  platform=''
  if [[ ${1:-} == --json && $# -eq 2 && -n $2 ]]; then
    file=$2
  elif (($#)); then
    fail "doctor does not know '$*'." 'usage: ./devrobot doctor [--json FILE]'
  fi
  check_ros
  check_python
  check_tool 'C++ compiler' g++ g++
  check_tool cmake cmake cmake
  check_tool make make make ninja
  check_tool flock util-linux flock
  check_venv
  check_ros2_command
  check_build
  check_resources
  for i in "${check_states[@]}"; do
    [[ $i != missing ]] || ok='false'
  done
  report_text
  [[ -z $file ]] || write_json "$file" "$ok"
  if [[ $ok == true ]]; then
    printf 'Everything needed is here.\n'
  else
    printf 'Something needed is missing: see the lines marked "missing".\n'
    return 1
  fi
}
