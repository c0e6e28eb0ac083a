"""The build's logic: pure typed Python. Knows nothing of SCons; `site_tools` is the only bridge to it."""
