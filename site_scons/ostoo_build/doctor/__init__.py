"""The checks of `ostoo doctor` that need packages: it looks, and changes, fetches and makes nothing.

Each asks the code that a build asks, so that an error has the words that a build would have.

It imports from what builds and verbs are made of.
"""
