"""A network exported as a program: a C header, an ONNX model, or a JavaScript module.

    samenet.export.to_c(net, "digits.h")        # C99, without allocation; double or float
    samenet.export.to_onnx(net, "digits.onnx")  # takes `pip install "samenet[export]"`
    samenet.export.to_js(net, "digits.mjs")     # a module without dependencies

Each returns a bound on how far an output may be from the exact one, and states it in the file; see
`samenet.export.bound`.
"""

from samenet.export.bound import Errors
from samenet.export.c_header import to_c
from samenet.export.javascript import to_js
from samenet.export.onnx_model import to_onnx

__all__ = ["Errors", "to_c", "to_js", "to_onnx"]
