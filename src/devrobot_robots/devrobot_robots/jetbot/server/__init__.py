"""
The server that runs on a JetBot: motors and camera over RPyC, nothing else.

This folder is copied to the robot as it is. It needs Python 3.6 and rpyc, so nothing here imports
another part of devrobot or uses newer syntax.
"""

VERSION = 'devrobot_jetbot 1'
