"""`samenet demo`: one static HTML file that shows a network at work.

centring    converts a picture of a digit to MNIST's format, in NumPy
training    the network that reads digits, trained here
page        the file: page.html with page.css, the scripts below and the numbers inserted

====================  ===================================================================================
prepare.mjs           the same as `centring`, and the steps from a photograph to ink
descent.mjs           cost, gradient and descent of a small network, in samenet's equations
drawing.mjs           grids of numbers and curves on a canvas, in the colours of the page
pad.mjs               the pad for drawing, by pointer or by keys
reader.mjs            the first half of the page: a digit and the answer of the network
learner.mjs           the second half: descent on the error surface
====================  ===================================================================================

The network that reads digits is the output of `samenet.export.to_js`. `prepare.mjs` and `descent.mjs` do not use the
page, so tests run them in node and compare them with NumPy and samenet.
"""
