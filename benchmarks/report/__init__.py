"""The report of what was measured: made from the files of results/FOLDER alone, so the same file gives the same text.

model.py        what the files say, and the ratios that can be read from them
tables.py       rows of text of it; scaling.py, the lines of growth and their slopes
figures.py      the pictures
claims.py, prose.py       the tutorial's claims and README's sentences, with our numbers
text.py, peers.py, techniques.py     results/README.md and the pages beside it
page.py, history.py       the page for a browser, with asv's history
write.py        the command
"""
