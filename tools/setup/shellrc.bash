# shellcheck shell=bash
# Start-up file of ./devrobot shell: the user's own settings first, then ours on top, because many
# a .bashrc puts other Pythons in front of PATH.
# shellcheck source=/dev/null
[[ -f ~/.bashrc ]] && . ~/.bashrc
PATH=$DEVROBOT_ROOT/.venv/bin:$PATH
PS1="(devrobot) ${PS1:-\\w\\$ }"
unset DEVROBOT_ROOT
