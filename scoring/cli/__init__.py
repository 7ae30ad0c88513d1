"""The commands of scoring, one file each; each calls a function that Python users can call with the same names."""
