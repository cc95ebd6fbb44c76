"""Python helpers shared by all devrobot packages; see the README of devrobot_interfaces."""
