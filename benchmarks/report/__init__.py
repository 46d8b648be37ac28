"""The report on the measurements, generated only from the files of results/FOLDER: the same files give the same text.

model.py        the contents of the files, and the ratios in them
tables.py       the tables; scaling.py, the scaling curves and their slopes
figures.py      the figures
claims.py, prose.py       the tutorial's claims and README's sentences, with our numbers
text.py, peers.py, techniques.py     results/README.md and the other pages
page.py, history.py       the web page, with asv's history
write.py        the command
"""
