"""Is there anything to do? The note of a build that had nothing; the build that waits. Imports `rules` and below."""
