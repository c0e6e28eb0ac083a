"""One invocation: variables, request, what all steps share. Imports all that plans, fetches and carries out."""
