"""The values of one invocation: variables, request, tools, plans, services.

Imports what plans, fetches and executes.
"""
