"""One node of the graph each: unit, link, check, publication, reports. Imports all below."""
