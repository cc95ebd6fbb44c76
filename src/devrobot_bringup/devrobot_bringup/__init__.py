"""Launch files, configurations and the Foxglove server that wire the devrobot nodes together."""
