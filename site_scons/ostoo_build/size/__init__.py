"""What a program is made of, in bytes. Imports `base` and `binary`."""
