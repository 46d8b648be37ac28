"""`samenet demo`: one static HTML file in which a network can be watched at work.

centring    any picture of a digit as MNIST has them, in NumPy
training    the network that reads digits, trained here
page        the file: page.html with page.css, the scripts below and the numbers put into it

====================  ===================================================================================
prepare.mjs           what `centring` does, and a photograph as ink, step by step
descent.mjs           cost, gradient and descent of a small network, in samenet's equations
drawing.mjs           grids of numbers and curves on a canvas, in the colours of the page
pad.mjs               where one draws, by pointer or by keys
reader.mjs            the first half of the page: a digit and the answer of the network
learner.mjs           the second half: descent on the error surface
====================  ===================================================================================

The network that reads is what `samenet.export.to_js` writes. `prepare.mjs` and `descent.mjs` know nothing of a page, so
tests run them in node beside NumPy and samenet.
"""
