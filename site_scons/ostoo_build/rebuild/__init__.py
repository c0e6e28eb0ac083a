"""Null builds and waiting builds: decides whether there is work before a build is started.

Imports `rules` and below.
"""
