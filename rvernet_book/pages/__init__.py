"""How each page of the book shows its experiment: figures, tables, captions, alternative texts and sentences.

One module per page, named as the page's module in `rvernet_core.experiments`, which computes what is shown.
"""
