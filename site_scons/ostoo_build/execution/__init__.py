"""Carries actions out by the cheapest way that is right. Imports all below but what is about one kind of program."""
