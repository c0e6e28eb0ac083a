"""What every other package builds on: errors, paths, files, digests, processes, the console. Imports none of them."""
