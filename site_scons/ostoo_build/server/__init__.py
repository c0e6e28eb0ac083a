"""The build server: a process that has loaded SCons and forks a build for each command of its checkout.

Commands find it by a Unix socket, hand over their streams and what else a process inherits, and forward signals.
"""
