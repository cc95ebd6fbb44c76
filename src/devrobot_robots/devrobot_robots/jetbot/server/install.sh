#!/bin/sh
# Install the server of this folder on a JetBot: sudo sh install.sh [INTERFACE] [further options]
# It runs from now on and after every start. INTERFACE is wlan0 unless given.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
owner=${SUDO_USER:-$(id -un)}
place=/opt/devrobot_jetbot_server
interface=${1:-wlan0}
[ $# -eq 0 ] || shift

[ "$(id -u)" -eq 0 ] || { echo "install.sh: run it with sudo" >&2; exit 1; }
python3 -c 'import sys; sys.exit(sys.version_info < (3, 6))' ||
  { echo "install.sh: Python 3.6 or newer is needed" >&2; exit 1; }

python3 -m pip install -q -r "$folder/requirements.txt"
rm -rf "$place.new"
mkdir -p "$place.new"
cp "$folder"/*.py "$folder"/*.txt "$place.new"
rm -rf "$place"
mv "$place.new" "$place"
if [ -d "$folder/robot" ]; then # the keys for the robot, if they were copied along
  rm -rf /etc/devrobot_jetbot
  mkdir -m 750 /etc/devrobot_jetbot
  cp "$folder"/robot/* /etc/devrobot_jetbot
  chown -R "root:$owner" /etc/devrobot_jetbot
  chmod 640 /etc/devrobot_jetbot/*
  set -- --tls /etc/devrobot_jetbot "$@"
fi
printf 'OPTIONS=--interface %s %s\n' "$interface" "$*" >/etc/default/devrobot_jetbot
sed "s/@OWNER@/$owner/" "$folder/devrobot_jetbot.service" >/etc/systemd/system/devrobot_jetbot.service
systemctl daemon-reload
systemctl enable devrobot_jetbot.service
systemctl restart devrobot_jetbot.service
echo "The server runs: systemctl status devrobot_jetbot, journalctl -u devrobot_jetbot"
