"""Sets to train on, from the files their makers publish to the one list of conversations that the recipes read.

Every row that comes in is either in the list that comes out or in a file beside it with the reason why not.
"""
