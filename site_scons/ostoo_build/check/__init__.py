"""Arranges what the compiler said in a check, for programs that read it. Imports `planning` and what it imports."""
