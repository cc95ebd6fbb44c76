# shellcheck shell=bash
# Everything a process of devrobot needs in its environment. Expects $root and $platform.

# without_prefixes PATHS PREFIXES: drop from the colon list PATHS whatever lies below PREFIXES.
without_prefixes() {
  local -a entries prefixes
  local entry prefix kept=''
  IFS=: read -r -a entries <<<"$1"
  IFS=: read -r -a prefixes <<<"$2"
  for entry in "${entries[@]}"; do
    for prefix in "${prefixes[@]}"; do
      [[ -n $prefix && ($entry == "$prefix" || $entry == "$prefix"/*) ]] && continue 2
    done
    kept+=${kept:+:}$entry
  done
  printf '%s' "$kept"
}

# Set name to value, or unset it where the value is empty.
export_or_unset() {
  if [[ -n $2 ]]; then
    export "$1=$2"
  else
    unset "$1"
  fi
}

# The wheels are a complete underlay of their own: leave any other workspace that is active here.
leave_other_workspaces() {
  local others="${AMENT_PREFIX_PATH:-}:${COLCON_PREFIX_PATH:-}:${VIRTUAL_ENV:-}"
  export_or_unset PYTHONPATH "$(without_prefixes "${PYTHONPATH:-}" "$others")"
  export_or_unset LD_LIBRARY_PATH "$(without_prefixes "${LD_LIBRARY_PATH:-}" "$others")"
  export_or_unset CMAKE_PREFIX_PATH "$(without_prefixes "${CMAKE_PREFIX_PATH:-}" "$others")"
  PATH=$(without_prefixes "$PATH" "$others")
  # The start-up hook of the wheels sets this, and then believes LD_LIBRARY_PATH to be its own.
  unset _ROS_WHEELS_BOOTSTRAP_COMPLETE COLCON_PREFIX_PATH AMENT_CURRENT_PREFIX PYTHONHOME
}

enter_venv() {
  if [[ $platform == wheels ]]; then
    leave_other_workspaces
    export AMENT_PREFIX_PATH="$root/.venv"
    if [[ ${RMW_IMPLEMENTATION:-rmw_fastrtps_cpp} != rmw_fastrtps_cpp ]]; then
      note "RMW_IMPLEMENTATION=$RMW_IMPLEMENTATION is left out: the ROS packages used here have Fast DDS only"
      unset RMW_IMPLEMENTATION
    fi
  fi
  export VIRTUAL_ENV="$root/.venv"
  export PATH="$root/.venv/bin:$PATH"
}

enter_environment() {
  enter_venv
  if [[ -f $root/install/setup.bash ]]; then
    local options
    options=$(shopt -po nounset errexit)
    set +u +e
    # shellcheck source=/dev/null
    . "$root/install/setup.bash"
    eval "$options"
  fi
  export ROS_AUTOMATIC_DISCOVERY_RANGE=${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}
  export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-PASSIVE}
}

# Sets $free_domain to a ROS domain that nobody on this host is in, chosen at random: a domain owns
# the 250 UDP ports from 7400 + 250 * domain.
choose_free_domain() {
  local address port domain
  local -a free=()
  local -A taken=()
  while read -r _ address _; do
    port=$((16#${address##*:}))
    ((port >= 7400)) && taken[$(((port - 7400) / 250))]=1
  done < <(tail -qn +2 /proc/net/udp 2>/dev/null)
  for domain in {1..101}; do
    [[ -n ${taken[$domain]:-} ]] || free+=("$domain")
  done
  ((${#free[@]})) || free=({1..101})
  free_domain=${free[RANDOM % ${#free[@]}]}
}
