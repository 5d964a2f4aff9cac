"""How each page of the book shows its experiment: figures, tables, captions, alternative texts and sentences.

One module per experiment, named as the one in `rvernet_core.experiments` that computes what is shown; a page has one
to three of them.
"""
