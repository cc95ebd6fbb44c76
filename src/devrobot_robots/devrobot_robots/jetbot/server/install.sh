#!/bin/sh
# Install the server of this folder on a JetBot: sudo sh install.sh [--no-tls] [INTERFACE] [OPTION...]
# It runs from now on and after every start. INTERFACE is a network interface such as wlan0; without
# one only the robot itself reaches the server. Further options are those of the server. Keys in a
# folder devrobot_jetbot_keys beside this one are moved to /etc/devrobot_jetbot. While there are
# keys, the server uses TLS; --no-tls deletes them.
# DESTDIR, if set, is put before all places.
set -eu

refuse() {
  echo "install.sh: $*" >&2
  exit 1
}

folder=$(cd "$(dirname "$0")" && pwd)
root=${DESTDIR:-}
place=$root/opt/devrobot_jetbot_server
keys=$root/etc/devrobot_jetbot
unit=devrobot_jetbot.service
new_keys=$(dirname "$folder")/devrobot_jetbot_keys
owner=${SUDO_USER:-$(id -un)}
group=$(id -gn "$owner")

with_tls=yes
if [ "${1:-}" = --no-tls ]; then
  with_tls=no
  shift
fi
interface=127.0.0.1
case ${1--} in
  -*) ;;
  *)
    interface=$1
    shift
    ;;
esac

# All that can be refused is refused before anything changes.
[ "$(id -u)" -eq 0 ] || refuse "run it with sudo"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 6))' || refuse "Python 3.6 or newer is needed"
for word in "$interface" "$@"; do
  case $word in
    '' | *[!A-Za-z0-9_.,:/=@+-]*) refuse "$word: only letters, digits and _.,:/=@+- can be in an option" ;;
  esac
done
if [ $with_tls = yes ] && [ -e "$new_keys" ]; then
  for file in ca.crt server.crt server.key; do
    [ -f "$new_keys/$file" ] || refuse "there is no $file in $new_keys: copy the folder again"
  done
  [ -z "$(find "$new_keys" -mindepth 1 -type d)" ] ||
    refuse "$new_keys holds a folder: delete $new_keys and copy it again"
fi

trial=$(mktemp -d)
trap 'rm -rf "$trial"' EXIT
mkdir "$trial/devrobot_jetbot_server"
cp "$folder"/*.py "$trial/devrobot_jetbot_server"
(cd "$trial" && python3 -m devrobot_jetbot_server --check --interface "$interface" "$@") ||
  refuse "nothing was installed"

python3 -m pip install -q -r "$folder/requirements.txt"
rm -rf "$place.new"
mkdir -p "$place.new/devrobot_jetbot_server" "$root/etc/default" "$root/etc/systemd/system"
cp "$folder"/*.py "$folder"/*.txt "$place.new/devrobot_jetbot_server"
rm -rf "$place"
mv "$place.new/devrobot_jetbot_server" "$place"
rmdir "$place.new"

if [ $with_tls = no ]; then
  rm -rf "$keys"
elif [ -e "$new_keys" ]; then
  rm -rf "$keys.new"
  mkdir -m 750 "$keys.new"
  for file in ca.crt server.crt server.key; do
    cp "$new_keys/$file" "$keys.new"
    chmod 640 "$keys.new/$file"
  done
  chown -R "root:$group" "$keys.new"
  rm -rf "$keys"
  mv "$keys.new" "$keys"
  rm -rf "$new_keys" # it holds a private key, which nobody needs there any more
fi
if [ -d "$keys" ]; then
  set -- --tls /etc/devrobot_jetbot "$@"
  how="with TLS"
else
  how="without encryption"
fi
[ "$interface" != 127.0.0.1 ] || how="$how, for this robot alone (for a network: install.sh wlan0)"

printf 'OPTIONS=--interface %s %s\n' "$interface" "$*" >"$root/etc/default/devrobot_jetbot"
sed "s/@OWNER@/$owner/" "$folder/$unit" >"$root/etc/systemd/system/$unit"
systemctl daemon-reload
systemctl enable "$unit"
systemctl restart "$unit" || {
  journalctl -u "$unit" -n 20 --no-pager >&2 || true
  refuse "the server was installed, but does not start; see above"
}
echo "The server runs, $how: systemctl status devrobot_jetbot, journalctl -u devrobot_jetbot"
