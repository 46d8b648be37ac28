"""The proof can fail: a backend with one line changed does not pass the comparisons of `test_agreement`.

One fragment of a backend's source is replaced, and the result is run as a separate package: Numba's kernels as plain
Python, so that no mutant is compiled. The unchanged source is run in the same way, and must pass. Mutants of generated
code are in `test_kernels`.
"""

import functools
import importlib
import inspect
import itertools
import os
import pkgutil
import re
import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from unittest import mock

import agreement
import numba
import numpy as np
import pytest
import remembered
from agreement import Descent, Rule
from children import HANGS
from inputs import Case, Functions, mostly_zero

import samenet
from samenet import schedules, train_many
from samenet.network import Network as Interface
from samenet.optimizers import Adam, Momentum, Nesterov, RMSProp
from samenet.testing.inputs import sample_weights as weights_of
from samenet.testing.mistakes import MUTANTS as MISTAKES
from samenet.testing.mutation import Mutant, code, replaced
from samenet.testing.tolerance import compare
from samenet.training import alike

MUTANTS = {
    "reference": [
        Mutant("bias dropped", "z += b[i]", "z += 0.0"),
        Mutant("W transposed", "z += W[i][j] *", "z += sum(W, [])[j * len(W) + i] *"),
        Mutant("wrong sign of delta", "[-(y[i] - h[i])", "[(y[i] - h[i])"),
        Mutant("no slope in the output layer", "return backward(h, [-(y[i]", "return list([-(y[i]"),
        Mutant("no slope in a hidden layer", "functions[l - 1].backward(h[l], errors)", "errors"),
        Mutant("slope at another node", "e[i] * slope(h[i])", "e[i] * slope(h[0])"),
        Mutant("cost without 1/2", "total += 0.5 * error", "total += error"),
        Mutant("cost of the last sample alone", "value += sample_gradient", "value = sample_gradient"),
        Mutant("gradient not averaged", "total.weights[l][i][j] /= m", "total.weights[l][i][j] /= 1"),
        Mutant("bias gradient not averaged", "total.biases[l][i] /= m", "total.biases[l][i] /= 1"),
        Mutant(
            "step uphill", "theta[j] -= alpha * g[j]\n\n\ndef momentum", "theta[j] += alpha * g[j]\n\n\ndef momentum"
        ),
        Mutant(
            "biases stay",
            "move(model.biases[l], downhill.biases[l], alpha",
            "move(model.biases[l], downhill.biases[l], 0",
        ),
        Mutant("partial batch dropped", "range(0, len(rows), ", "range(0, len(rows) - batch_size + 1, "),
        Mutant("first order for every epoch", "else order[epoch]", "else order[0]"),
        Mutant("tanh without its slope", "return (1.0 - h) * (1.0 + h)", "return 1.0"),
        Mutant("relu of the wrong sign", "return 0.0 if z <= 0.0 else z", "return z if z <= 0.0 else 0.0"),
        Mutant("relu's slope everywhere", "return 1.0 if h > 0.0 else 0.0", "return 1.0"),
        Mutant("softmax that sums to another number", "power / total for", "power / (total + 1) for"),
        Mutant("softmax node by node", "h[i] * (e[i] - mean)", "h[i] * (1 - h[i]) * e[i]"),
        Mutant("factor of the sum of squares", "-2.0 * (y[i]", "-1.0 * (y[i]"),
        Mutant("binary cross-entropy of the other class", "above - y[i] * z[i]", "above - (1 - y[i]) * z[i]"),
        Mutant("cross-entropy without its sum", "h[i] * total - y[i]", "h[i] - y[i]"),
        Mutant("cross-entropy of z alone", "y[i] * (logarithm - z[i])", "y[i] * (largest - z[i])"),
        Mutant("penalty of twice the size", "0.5 * l2 * w * w", "l2 * w * w"),
        Mutant("no slope of l1", "l1 * sign + l2 * w", "l2 * w"),
        Mutant("velocity that is not kept", "v[j] = velocity\n        theta[j] += velocity", "theta[j] += velocity"),
        Mutant("velocity of the first row", "[array.weights[l][i] for", "[array.weights[l][0] for"),
        Mutant("Nesterov's step without the gradient", "rule.beta * velocity + move", "rule.beta * velocity"),
        Mutant("RMSProp of the last slope alone", "rule.decay * s[j] +", "0 * s[j] +"),
        Mutant("RMSProp with the sum of squares", "(1 - rule.decay) * g[j]", "1 * g[j]"),
        Mutant("RMSProp not divided", "theta[j] -= alpha * g[j] / divisor", "theta[j] -= alpha * g[j]"),
        Mutant("RMSProp without epsilon", "math.sqrt(s[j]) + rule.epsilon", "math.sqrt(s[j])"),
        Mutant("Adam without the first mean", "m[j] = rule.beta1 * m[j] +", "m[j] = 0 * m[j] +"),
        Mutant("Adam without the mean of squares", "v[j] = rule.beta2 * v[j] +", "v[j] = 0 * v[j] +"),
        Mutant("Adam biased in the mean", "1 - rule.beta1**t,", "1.0,"),
        Mutant("Adam biased in the squares", ", 1 - rule.beta2**t", ", 1.0"),
        Mutant("Adam without epsilon", "math.sqrt(v[j] / of_v) + rule.epsilon", "math.sqrt(v[j] / of_v)"),
        Mutant("updates not counted", "state.t += 1", "state.t = 1"),
        Mutant("clipping above alone", "row[i] = -value", "row[i] = row[i]"),
        Mutant("norm not clipped", "row[i] / largest * (norm / length)", "row[i]"),
        Mutant("dropout forward alone", "errors = apply_mask(masks[l - 1], errors)", "pass"),
        Mutant("dropout backward alone", "else apply_mask(masks[l], h[-1])", "else h[-1]"),
        Mutant("one mask for all samples", "else masks[s]", "else masks[0]"),
        Mutant("masks of the first epoch", "epoch * len(rows) + start", "start"),
        Mutant("masks of the first batch", "epoch * len(rows) + start", "epoch * len(rows)"),
        Mutant("sampling: the floor for all numbers", "u < sampler.floor", "u < 1.0"),
        Mutant("sampling: no floor", "u < sampler.floor", "u < 0.0"),
        Mutant("sampling: the floor's first row", "u / sampler.floor * sampler.rows", "u * sampler.rows"),
        Mutant("sampling: numbers from the floor on as they are", "(u - sampler.floor) / (1.0 - sampler.floor)", "u"),
        Mutant("sampling: the left sum not passed", "rest -= sampler.tree[node]", "pass"),
        Mutant(
            "sampling: importance without the floor",
            "(1.0 - floor) * share + floor",
            "(1.0 - floor) * share",
        ),
        Mutant("sampling: importance of all mass", "(1.0 - floor) * share", "1.0 * share"),
        Mutant("sampling: probability for importance", "return 1.0 / probability", "return probability"),
        Mutant(
            "sampling: the gradient of a row as it is",
            "target[j] += share * factor * row[j]",
            "target[j] += share * row[j]",
        ),
        Mutant("sampling: the cost of a row as it is", "value += share * factor * sample", "value += share * sample"),
        Mutant("sampling: norms without importance", "factor * row[j] * (factor * row[j])", "row[j] * row[j]"),
        Mutant(
            "sampling: the mean for the sum",
            'share = 1.0 / len(rows) if reduction == "mean"',
            "share = 1.0 / len(rows) if True",
        ),
        Mutant(
            "sampling: no penalties",
            "value += add_penalty(total, weights, l1, l2)\n    learn",
            "pass\n    learn",
        ),
        Mutant(
            "sampling: one mask for all draws",
            "by_layer(mask(dropout, s), weights)\n        x",
            "by_layer(mask(dropout, 0), weights)\n        x",
        ),
        Mutant("sampling: nothing learned", "learn(sampler, rows, squares)", "pass"),
        Mutant(
            "sampling: weights that only grow", "(min(square / running, MOST) - 1.0)", "min(square / running, MOST)"
        ),
        Mutant("sampling: without a most", "min(square / running, MOST)", "(square / running)"),
        Mutant("sampling: without a least", "max(moved, least, 1.0 / LIMIT)", "max(moved, 1.0 / LIMIT)"),
        Mutant("sampling: the sum not kept up", "while node > 0:", "while node > 1:"),
        Mutant(
            "sampling: the mean of the last batch",
            "(len(squares) + MEMORY) * (mean - running)",
            "len(squares) * (mean - running)",
        ),
        Mutant(
            "sampling: the first mean for ever",
            "sampler.mean[0] = running + len",
            "sampler.mean[0] = running + 0 * len",
        ),
        Mutant("one number for all nodes", "len(dropout.factors) + j + 1", "len(dropout.factors) + 1"),
        Mutant("normalization: variance not averaged", "variances[i] /= m", "variances[i] /= 1"),
        Mutant("normalization: mean not subtracted", "(z[i] - means[i]) / math", "z[i] / math"),
        Mutant(
            "normalization: without epsilon",
            "(z[i] - means[i]) / math.sqrt(variances[i] + EPSILON)",
            "(z[i] - means[i]) / math.sqrt(variances[i] + 1e-4)",
        ),
        Mutant("normalization: without gamma", "[gamma[i] * n[i] for", "[n[i] for"),
        Mutant("normalization: without b", "[scaled[i] + b[i] for", "[scaled[i] for"),
        Mutant("normalization: mean's slope left out", "deltas[s][i] - mean - N", "deltas[s][i] - N"),
        Mutant("normalization: variance's slope left out", "- mean - N[s][i] * mean_product", "- mean"),
        Mutant("normalization: back without gamma", "gamma[i] / math.sqrt(statistics", "1 / math.sqrt(statistics"),
        Mutant("normalization: biased running variance", "m / (m - 1)", "1"),
        Mutant("normalization: running mean not kept", "(1 - MOMENTUM) * running[0][i] +", "running[0][i] +"),
        Mutant("normalization: gamma's slope without n", "deltas[s][i] * N[l][s][i]", "deltas[s][i]"),
        Mutant("normalization: gamma stays", "downhill.gammas[l], alpha", "downhill.gammas[l], 0"),
        Mutant("normalization: gamma's slope not averaged", "total.gammas[l][i] /= m", "total.gammas[l][i] /= 1"),
        Mutant("normalization: gammas not clipped", "[*downhill.biases, *downhill.gammas]", "[*downhill.biases]"),
        Mutant("normalization: statistics stay", "move_running(model.running[l], of_batch, len(batch))", "pass"),
        Mutant(
            "normalization: dropout forward alone",
            "errors = [apply_mask(masks[s][l - 1], errors[s]) for s in samples]",
            "pass",
        ),
        Mutant("one factor for all nodes", "float(dropout.factors[j])", "float(dropout.factors[0])"),
        Mutant("DropConnect backward alone", "used = weights if weight_masks is None", "used = weights if True"),
        Mutant(
            "gradient of the masked weights", "Gradient(masked(weight_masks, total.weights)", "Gradient(total.weights"
        ),
        Mutant(
            "penalties of the masked weights",
            "return penalized(value, total, weights, l1, l2), total\n",
            "return penalized(value, total, used, l1, l2), total\n",
        ),
        Mutant(
            "sampling: DropConnect backward alone", "used = weights if factors_of is None", "used = weights if True"
        ),
        Mutant(
            "sampling: gradient of the masked weights",
            "Gradient(masked(factors_of, total.weights)",
            "Gradient(total.weights",
        ),
        Mutant(
            "sampling: penalties of the masked weights",
            "add_penalty(total, weights, l1, l2)\n    learn",
            "add_penalty(total, used, l1, l2)\n    learn",
        ),
        Mutant("weights of the first update", "drop_connect.after(len(costs))", "drop_connect"),
        Mutant("weights without a first", "(drop_connect.first + update) *", "update *"),
        Mutant("weights by the numbers of nodes", "2**63 + n)", "n)"),
        Mutant("one factor for all layers", "float(drop_connect.factors[l])", "float(drop_connect.factors[0])"),
        Mutant("one threshold for all layers", ">= drop_connect.thresholds[l]", ">= drop_connect.thresholds[0]"),
        Mutant("weights: not divided by their sum", "float(w) / total", "float(w)"),
        Mutant("weights: divided by their number", "float(w) / total", "float(w) / len(sample_weight)"),
        Mutant("weights: the mean for the sum", 'reduction == "sum" or total == 0.0', "total == 0.0"),
        Mutant("weights: infinity times 0", "factor * values[i] if factor != 0.0 else 0.0", "factor * values[i]"),
        Mutant(
            "weights: samples of weight 0 in the gradient",
            "if factor != 0.0:\n            value",
            "if True:\n            value",
        ),
        Mutant("weights: the gradient of a sample as it is", "[factor * d for d in", "[d for d in"),
        Mutant("weights: the cost of a sample as it is", "return factor * COSTS[cost]", "return COSTS[cost]"),
        Mutant(
            "weights: averaged as well", "if c is None:\n        value = average", "if True:\n        value = average"
        ),
        Mutant(
            "weights: those of the first samples",
            "float(sample_weight[s]) for s in batch",
            "float(w) for w in sample_weight[: len(batch)]",
        ),
        Mutant(
            "weights: normalized, deltas as they are", "deltas = [weighed(c[s], deltas[s]) for s in samples]", "pass"
        ),
        Mutant(
            "weights: normalized, costs as they are",
            "weighed(c[s], [COSTS[cost].value(Y[s], H[-1][s], Z[s])])",
            "[COSTS[cost].value(Y[s], H[-1][s], Z[s])]",
        ),
        Mutant(
            "weights: normalized, averaged as well",
            "if sample_weight is None:\n        value",
            "if True:\n        value",
        ),
        Mutant(
            "weights: costs as they are",
            "weighed(c[s], [COSTS[cost].value(Y[s], h[-1], z)])",
            "[COSTS[cost].value(Y[s], h[-1], z)]",
        ),
        Mutant(
            "weights: costs averaged as well",
            'if sample_weight is None and reduction == "mean"',
            'if reduction == "mean"',
        ),
    ],
    "numba": [
        # functions
        Mutant("exp without the low part of ln 2", "(a - k * high) - k * low", "a - k * high"),
        Mutant("exp with too few terms", "_series(r, _EXP[_bits(a)])", "_series(r, _EXP[_bits(a)][:-3])"),
        Mutant("sigmoid of -z", "clip(-z, -limit, limit)", "clip(z, -limit, limit)"),
        Mutant(
            "sigmoid with a scale on one side",
            "power, scale = _power_of_two(half, z),",
            "power, scale = _power_of_two(k, z),",
        ),
        Mutant("logarithm with too few terms", "((64, 9), (32, 4))", "((64, 5), (32, 4))"),
        Mutant("logarithm without the exponent", "result = k * high -", "result = 0 * k -"),
        Mutant("tanh without its sign", "with_sign(E / (E + 2.0), z)", "E / (E + 2.0)"),
        Mutant("tanh with the power once too often", "(power - 1.0)", "power"),
        Mutant("tanh without its slope", "(one - h[i]) * (one + h[i])", "(one - h[i])"),
        Mutant("relu of the wrong sign", "zero if z[i] <= zero else z[i]", "z[i] if z[i] <= zero else zero"),
        Mutant("relu's slope everywhere", "one if h[i] > zero else zero", "one"),
        Mutant("softmax node by node", "row[i] * (error[i] - mean)", "row[i] * (one - row[i]) * error[i]"),
        Mutant("softmax: columns not divided", "share = inverse(total)", "share = inverse(_plus(total, total))"),
        Mutant("softmax: a row not divided", "else inverse(sums[1]))", "else sums[1])"),
        Mutant(
            "softmax: rows divided by another's sum", "_scaled(results[r], totals[r -", "_scaled(results[r], totals[0 *"
        ),
        Mutant("sampling: the cost of another row", "float(shifts[r - first])", "float(shifts[0])"),
        Mutant("softmax: columns of the last power", "total = _plus(total, power)", "total = power"),
        Mutant("softmax: columns of the first rows", "rows_at(z, start, count", "rows_at(z, 0, count"),
        Mutant("softmax: targets of the first rows", "rows_at(y, start, count", "rows_at(y, 0, count"),
        Mutant("cost without 1/2", "+ (total if cost == SUM_OF_SQUARES else 0.5 * total)", "+ total"),
        Mutant("factor of the sum of squares", "z.dtype.type(2.0 * scale if", "z.dtype.type(scale if"),
        Mutant("binary cross-entropy of the other class", "- y * z + log1p", "- (1.0 - y) * z + log1p"),
        Mutant("cross-entropy of z alone", "of_y * log(total) - of_a", "of_y - of_a"),
        Mutant("small: cross-entropy of z, by rows", "targets[r, j] * (row[j] - shift)", "targets[r, j] * row[j]"),
        Mutant("small: targets of a row", "of_y[i] += targets[r, j]", "of_y[i] = targets[r, j]"),
        Mutant("cross-entropy of z, in wide rows", "y * (z - shift), y)", "y * z, y)"),
        Mutant("cross-entropy of the other sign", "of_y * log(total) - of_a", "of_a - of_y * log(total)"),
        Mutant("cross-entropy of the last node", "of_a = _add_product(of_a,", "of_a = _add_product(zeros,"),
        Mutant("cross-entropy of the last target", "of_y = _plus(of_y,", "of_y = _plus(zeros,"),
        Mutant("binary cross-entropy without its logarithm", "log1p(exp(-abs(z)))", "0.0 * z"),
        Mutant("cross-entropy without its sum", "of_y * factor * (1.0 / total)", "factor * (1.0 / total)"),
        Mutant("cross-entropy without its target", "power * of_power - factor * y)", "power * of_power)"),
        Mutant("cross-entropy of rows without its target", "power * of_power - factor * y,)", "power * of_power,)"),
        Mutant("wrong sign of delta", "(factor * (h - y),)", "(factor * (y - h),)"),
        Mutant("wrong sign of delta of a sigmoid", "factor * (h - y) * slope", "factor * (y - h) * slope"),
        Mutant("wrong sign of delta of sums", "(factor * (z - y),", "(factor * (y - z),"),
        Mutant("wrong sign of delta of an entropy", "factor * (sigmoid(z) - y)", "factor * (y - sigmoid(z))"),
        Mutant("no slope in the output layer", "(h - y) * slope(h)", "(h - y)"),
        Mutant("no slope of a tanh in the output layer", "lambda h: (1.0 - h) * (1.0 + h)", "lambda h: 1.0 - h"),
        Mutant("no slope of a softmax in the output layer", "back_through(code, z, delta, width)", "pass"),
        # machine, products
        Mutant("sums that begin at 0", "S[:, i:end] + A @", "A @"),
        Mutant("last columns left out", "end = i + (registers - 1)", "end = i + (registers - 1 - (registers > 1))"),
        Mutant("a sample's dot products reversed", "W @ x[: W.shape[1]]", "W @ x[: W.shape[1]][::-1]"),
        Mutant("wide: sums without alpha", "C.dtype.type(alpha) * (A", "(A"),
        Mutant("wide: sums that begin at 0", "C[:] = S[: len(C)] +", "C[:] ="),
        Mutant("wide: the first columns for all", "start + count, first:end]", "start + count, : end - first]"),
        Mutant(
            "wide: the first terms for all",
            "ahead = B[start : start + count, first:end]",
            "ahead = B[:count, first:end]",
        ),
        Mutant("wide: the last terms alone", "if start else S[top", "if start < 0 else S[top"),
        Mutant(
            "wide: a block of A turned twice", "a = block[: len(c), :count]", "a = block[: len(c), count - 1 :: -1]"
        ),
        Mutant("wide: rows of the first block", "a, c = A[top : top + height, start", "a, c = A[:height, start"),
        Mutant("wide: terms of the first block", "start : start + count], C[top", ":count], C[top"),
        Mutant("wide: the first row of S for all", "S[top : top + height] if len(S) > 1", "S[:height] if len(S) > 1"),
        # layers
        Mutant("bias dropped", "start = rows_at(P, b, 1, k) if bias else", "start ="),
        Mutant("bias of a sample dropped", "h[i] += b[i]", "h[i] += 0 * b[i]"),
        Mutant(
            "narrow W reversed",
            "product(layer_inputs, packed_matrix(P, p, n, k),",
            "product(layer_inputs, packed_matrix(P, p, n, k)[::-1],",
        ),
        Mutant("wide W transposed", "rows_at(P, p, k, n).T, start", "rows_at(P, p, n, k), start"),
        Mutant("masks of another layer", "column += k", "column += 0"),
        Mutant("biases not copied", "copy(theta[p : p + k],", "copy(0 * theta[p : p + k],"),
        Mutant(
            "turned weights turned back in another order",
            "transposed(packed_matrix(P, q, n, k), W)",
            "transposed(packed_matrix(P, q, n, k)[::-1], W)",
        ),
        Mutant("few nodes: bias dropped", "W, b[0], Z[s", "W, 0 * b[0], Z[s"),
        Mutant("few nodes: bias dropped in the lanes", "first + sums[i, r] if adds", "sums[i, r] if adds"),
        Mutant("few nodes: the first rows for all", "few(X[s : s + _NEAR]", "few(X[: len(X) - s][:_NEAR]"),
        Mutant("few nodes: weights reversed in the lanes", "dots_by_number(X, W[", "dots_by_number(X, W[::-1]["),
        Mutant(
            "few nodes: weights reversed",
            "copied(W, packed_matrix(P, q, k, n))",
            "copied(W[:, ::-1], packed_matrix(P, q, k, n))",
        ),
        Mutant("few nodes: weights not copied back", "copied(packed_matrix(P, q, k, n), W)", "pass"),
        Mutant(
            "few nodes: short loop, bias dropped",
            "theta[weights:] if bias else zeroed",
            "0 * theta[weights:] if bias else zeroed",
        ),
        Mutant("few nodes: short loop, targets of other rows", "= Y[used[s], i]", "= Y[used[0], i]"),
        Mutant("few nodes: short loop, not the mean", "divisor = whole if mean else 1", "divisor = 1"),
        Mutant("few nodes: short loop, the first order", "places = order[epoch]", "places = order[0]"),
        Mutant("few nodes: short loop, rows left over", "add_scaled(g[i], X", "add_scaled(0 * g[i], X"),
        Mutant("few nodes: short loop, a row twice", "X[places[s + 2]], X", "X[places[s + 1]], X"),
        Mutant("few nodes: short loop, no gradient of biases", "sum_of_rows(deltas, g[weights:], False)", "pass"),
        Mutant("few nodes: short loop, no penalty", "theta[:weights], l1, l2)", "theta[:weights], 0.0, l2)"),
        Mutant(
            "few nodes: short loop, number of an update",
            "state, 0, rule, rule.t + update + 1)\n        start",
            "state, 0, rule, 1)\n        start",
        ),
        Mutant(
            "few nodes: short loop, the first blocks alone",
            "for begin in range(start, start + whole, most)",
            "for begin in range(start, start + 1)",
        ),
        Mutant(
            "few nodes: few inputs, the first piece for all",
            "count, q = min(rows, k - top), p + top * n",
            "count, q = min(rows, k - top), p",
        ),
        Mutant("few nodes: few inputs, no penalties", "add_penalties(g, w, update", "add_penalties(0 * g, w, update"),
        Mutant("few rows: the first nodes alone", "product(X, WT, start[:, i", "product(X, WT * (i == 0), start[:, i"),
        Mutant("one row: a term of four left out", "a3 * b3 + (a2", "0 * b3 + (a2"),
        Mutant("one row: last terms left out", "add_scaled(c, B[s], A[0, s], c)", "pass"),
        Mutant("one row: not added", "c[j] = S[0, j]", "c[j] = 0"),
        Mutant("few nodes: no errors below one", "narrow_product(deltas, W.T,", "narrow_product(0 * deltas, W.T,"),
        Mutant(
            "one term: another row's",
            "_scaled(C[s], B[0], A[s, 0], S[0])",
            "_scaled(C[s], B[0], A[0, 0], S[0])",
        ),
        Mutant("one node: biases of the last block", "db[0] += _total", "db[0] = _total"),
        Mutant("one input and one node: bias dropped", "(a * b + s,), stores=1)", "(a * b,), stores=1)"),
        Mutant("second layer not turned back", "if layer or not inner:", "if layer > 1 or not inner:"),
        # backward
        Mutant(
            "no slope in a hidden layer", "back_through(codes[layer], H[q - rows * n : q], back[: rows * n], n)", "pass"
        ),
        Mutant("cost of the last block alone", "costs += _outputs(", "costs = _outputs("),
        Mutant(
            "narrow: gradient of the last block", "dW if adds else rows_at(zeros, 0, 1, k)", "rows_at(zeros, 0, 1, k)"
        ),
        Mutant(
            "wide: gradient of the last block",
            "layer_inputs, dW if adds else rows_at(zeros, 0, 1, n), dW)\n    elif is_t",
            "layer_inputs, rows_at(zeros, 0, 1, n), dW)\n    elif is_t",
        ),
        Mutant(
            "few nodes: gradient of several of the last block",
            "of few nodes\n        product(deltas.T, layer_inputs, dW if adds else",
            "of few nodes\n        product(deltas.T, layer_inputs, rows_at(zeros, 0, 1, n) if True else",
        ),
        Mutant("bias gradient of the first row", "add_rows(delta, db)", "add_rows(delta[:1], db)"),
        Mutant("shuffled rows in their own order", "A[places]", "A[: len(places)]"),
        Mutant("bias gradient not begun at 0", "db[i] = 0", "db[i] = db[i]"),
        Mutant(
            "errors through packed weights",
            "elif layer:\n                errors_below(deltas, W,",
            "elif layer:\n                errors_below(deltas, rows_at(P, r, k, n),",
        ),
        Mutant(
            "errors of the block before",
            "        delta, back = workspace.delta, workspace.back\n        p",
            "        delta, back = (delta, back) if start else (workspace.delta, workspace.back)\n        p",
        ),
        Mutant("wide: step uphill", "layer_inputs, W, W, -alpha)", "layer_inputs, W, W, alpha)"),
        Mutant("one: state of other biases", "db, alpha, update.state, b,", "db, alpha, update.state, p,"),
        Mutant("one: step of biases uphill", "step(theta[b : b + k], db,", "step(theta[b : b + k], -db,"),
        Mutant("at once: no slope of l2", "(g + l2 * w, 0.5", "(g, 0.5"),
        Mutant("at once: twice the l2", "0.5 * l2 * w * w), stores=1)  #", "l2 * w * w), stores=1)  #"),
        Mutant("at once: l1 left out", "if l1 == 0:", "if l1 >= 0:"),
        Mutant("at once: no penalty in the cost", "penalties = penalty(P, G[:0]", "penalties = 0.0 * penalty(P, G[:0]"),
        Mutant("one pass: no penalties", "of_weights if in_order else 0.0", "0.0"),
        Mutant("one pass: penalties twice", "at_once and not in_order and", "at_once and"),
        Mutant("one pass: penalties of the last piece", "penalties += _step_some", "penalties = _step_some"),
        Mutant("one pass: penalties of no piece", "penalties += add_penalties", "add_penalties"),
        Mutant("one pass: half of l1", "-limit, limit), penalty_of(w, l1,", "-limit, limit), penalty_of(w, 0.5 * l1,"),
        Mutant("one pass: half of l2", "limit), 0.5 * l2 * w * w)", "limit), 0.25 * l2 * w * w)"),
        Mutant("no step: penalties of weights that are not packed", "is_unpacked and not flags[STEPPED]", "False"),
        Mutant("one pass: errors not begun at 0", "sums[s, :] = 0", "pass"),
        Mutant("one pass: errors of the last terms", "errors[s, j] += sums[s,", "errors[s, j] = sums[s,"),
        Mutant("one pass: errors not copied back", "copied(sums, errors[:, left:end])", "pass"),
        Mutant("one pass: inputs of before", "copied(x, near)", "pass"),
        Mutant("one pass: state of the first weights", "first = rows_at(state[0], q,", "first = rows_at(state[0], 0,"),
        Mutant("one pass: squares of the first weights", "rows_at(state[1], q,", "rows_at(state[1], 0,"),
        Mutant("one pass: no slope of l1", "change = 2 if l1", "change = 1 if l1"),
        Mutant("one pass: no slope of l2", "else 1 if l2 or", "else 0 if l2 or"),
        Mutant("one pass: not clipped", "l2 * w, -limit, limit)", "l2 * w, -1e300, 1e300)"),
        Mutant("one pass: RMSProp by another constant", "1.0, of.beta2, of.rest2,", "1.0, of.beta1, of.rest1,"),
        Mutant(
            "one pass: no momentum",
            "_move(delta, X, errors, *changed, W, v, of.step, 1.0, of.beta1,",
            "_move(delta, X, errors, *changed, W, v, of.step, 1.0, 0.0,",
        ),
        Mutant("one: a layer of many nodes from its bias alone", "out[s, i] if begin else", "0 if begin else"),
        Mutant("one: few nodes without bias", "start[0, i] if begins and", "0.0 if begins and"),
        Mutant("at once: cost without penalty", "= finite, penalties", "= finite, 0.0"),
        Mutant("at once: updates of before not counted", "rule, rule.t + update + 1, state", "rule, update + 1, state"),
        Mutant(
            "at once: a step from the first block", "rule.clip_norm == np.inf and m <= most", "rule.clip_norm == np.inf"
        ),
        Mutant("norm that is not clipped at once", "rule.clip_norm == np.inf and m <= most", "m <= most"),
        Mutant("at once: a second step", "theta.size if at_once else 0", "0"),
        Mutant("no step but at once", "theta.size if at_once else 0", "theta.size"),
        Mutant("wide: state not kept", "P.dtype) if is_packed else state", "P.dtype) if is_packed else 0 * state"),
        Mutant("dropout forward alone", "apply_mask(masks, column, back, errors)", "pass"),
        Mutant("dropout backward by another layer", "column -= n", "column = 0"),
        Mutant("penalty of twice the size", "l1 * abs(w) + 0.5 * l2", "l1 * abs(w) + l2"),
        Mutant("no slope of l1", 'where(w, ">", 0.0, l1, ', 'where(w, ">", 0.0, 0.0, '),
        Mutant("slope of l1 of one sign", 'where(w, "<", 0.0, -l1, 0.0)', "l1"),
        Mutant("gradient without penalty", "penalty(P, g, layout", "penalty(P, g[:0], layout"),
        Mutant(
            "penalty on biases",
            "layer_length(sizes, layer, layout[1, 0], lanes)\n        p",
            "layer_length(sizes, layer, 0, lanes)\n        p",
        ),
        Mutant(
            "gradient's cost without penalty", "costs[update] += workspace.penalty[0] if", "workspace.penalty[0] if"
        ),
        # descent
        Mutant("update not averaged", " scale = 1.0 / whole if", " scale = 1.0 if"),
        Mutant("partial batch averaged as a full one", " scale = 1.0 / whole if", " scale = 1.0 / batch_size if"),
        Mutant("part averaged by its own rows", " scale = 1.0 / whole if", " scale = 1.0 / rows if"),
        Mutant("cost not divided", "total / whole if mean", "total if mean"),
        Mutant("first part's rows in all", "start + whole * part // parts,", "start,"),
        Mutant(
            "last part left out",
            "for part in range(parts):\n            total",
            "for part in range(max(1, parts - 1)):\n            total",
        ),
        Mutant("cost of the last part alone", "total += values[part]", "total = values[part]"),
        Mutant("gradient of the first part alone", "_add_parts(G)", "pass"),
        Mutant(
            "gradient of all parts but the last", "for part in range(1, len(G)):", "for part in range(1, len(G) - 1):"
        ),
        Mutant(
            "gradient of the first piece alone",
            "for start in range(0, n, _PIECE):",
            "for start in range(0, 1, _PIECE):",
        ),
        Mutant("pieces of another part", "row = G[part, start : start + total.size]", "row = G[part, : total.size]"),
        Mutant(
            "samples in order, targets shuffled",
            "\n        gather(X, order[epoch, start : start + rows], x)",
            "\n        x[:] = X[start : start + rows]",
        ),
        Mutant("first order for every epoch", "\n        gather(Y, order[epoch,", "\n        gather(Y, order[0,"),
        Mutant("masks of the first epoch", "first = epoch * m + start", "first = start"),
        Mutant(
            "sampling: masks of the first block",
            "fill_masks(dropout, first + start, masks)",
            "fill_masks(dropout, first, masks)",
        ),
        Mutant("masks without a first", "(first + start + s) * factors.size", "(start + s) * factors.size"),
        Mutant("dropped where kept", "if _random(key, first + j * step) <", "if _random(key, first + j * step) >="),
        Mutant("one number for all nodes", "_random(key, first + j * step)", "_random(key, first)"),
        # DropConnect
        Mutant("biases left out", "masked_P[i] = P[i]", "masked_P[i] = 0"),
        Mutant("weights of the first layer alone", "counter += n * k", "counter += 0"),
        Mutant("numbers of other weights", "counter + i * down, across", "counter + i * down, down"),
        Mutant(
            "gradient of the whole weights",
            "_each_part(used, settings, workspace, gathered, G, g, values, queue",
            "_each_part(model, settings, workspace, gathered, G, g, values, queue",
        ),
        Mutant("gradient without the masks", "products(g, g, masked.masks)", "pass"),
        Mutant("errors through the last matrices", "unpack(masked_P, sizes, bias, True, masked.theta)", "pass"),
        Mutant("weights: step at once, of all weights", "= parts == 1 and not masks_weights\n", "= parts == 1\n"),
        Mutant(
            "weights of the first update",
            "mask_weights(masked, update, P, sizes, bias)\n        add",
            "mask_weights(masked, 0, P, sizes, bias)\n        add",
        ),
        Mutant("weights without a first", "(masked.first + update) * masked.count", "update * masked.count"),
        Mutant("weights of the layer before", "counter += n * k", "counter += n"),
        Mutant("weights transposed", "(n, k, 1, n)", "(n, k, k, 1)"),
        Mutant("wide: weights transposed", "(k, n, n, 1)", "(k, n, 1, k)"),
        Mutant(
            "one factor for all layers",
            "threshold, factor = masked.thresholds[layer], masked.factors[layer]",
            "threshold, factor = masked.thresholds[layer], masked.factors[0]",
        ),
        Mutant(
            "one threshold for all layers",
            "threshold, factor = masked.thresholds[layer], masked.factors[layer]",
            "threshold, factor = masked.thresholds[0], masked.factors[layer]",
        ),
        Mutant("biases left out", "p += bias * row_length(k, lanes)", "pass"),
        Mutant("weights by the numbers of nodes", "key - 2**63, first, *memory", "key, first, *memory"),
        Mutant("biases masked by what was there", "memory[3].fill(1)", "memory[3].fill(2)"),
        Mutant("first alpha for every pass", "alphas[update // updates], state, begin", "alphas[0], state, begin"),
        Mutant("step uphill", "theta - step * (shrink", "theta + step * (shrink"),
        Mutant("RMSProp uphill", "theta - _quotient(step", "theta + _quotient(step"),
        Mutant("Adam uphill", "theta - _quotient(m", "theta + _quotient(m"),
        Mutant("velocity that grows", "_normal(beta * v - step", "_normal(v - step"),
        Mutant(
            "Nesterov's step without the gradient",
            "theta + (beta * v - move)",
            "theta + beta * v",
        ),
        Mutant("clipping above alone", "clip(g, -limit, limit)", "clip(g, -limit * 1e9, limit)"),
        Mutant("norm not clipped", "g.dtype.type(clip_norm / length)", "g.dtype.type(1)"),
        Mutant(
            "state not packed",
            "pack(state[i], sizes, bias, packed[i])",
            "packed[i, : theta.size] = state[i]",
        ),
        Mutant(
            "state not unpacked",
            "unpack(packed[i], sizes, bias, False, state[i])",
            "state[i][:] = packed[i, : theta.size]",
        ),
        Mutant("RMSProp of the last slope alone", "keep * s +", "0 * s +"),
        Mutant(
            "RMSProp with the sum of squares",
            "keep * s + rest *",
            "keep * s + ",
        ),
        Mutant("RMSProp without epsilon", "sqrt(s) + epsilon), s", "sqrt(s)), s"),
        Mutant(
            "RMSProp by the other constant",
            "of_squares = of.beta2, of.rest2,",
            "of_squares = of.beta1, of.rest1,",
        ),
        Mutant("Adam without the first mean", "keep_m * m +", "0 * m +"),
        Mutant("Adam without the mean of squares", "keep_v * v +", "0 * v +"),
        Mutant("Adam biased in the mean", "alpha / (1.0 - math.pow(beta1, float(t)))", "alpha"),
        Mutant("Adam biased in the squares", "1.0 / (1.0 - math.pow(beta2, float(t)))", "1.0"),
        Mutant("Adam without epsilon", "sqrt(v * factor) + epsilon", "sqrt(v * factor)"),
        Mutant(
            "Adam with its constants exchanged",
            "beta1, 1.0 - beta1, beta2, 1.0 - beta2, factor",
            "beta2, 1.0 - beta2, beta1, 1.0 - beta1, factor",
        ),
        Mutant(
            "updates of before not counted",
            "alphas[update // updates], state, begin, rule, rule.t + update + 1)",
            "alphas[update // updates], state, begin, rule, update + 1)",
        ),
        Mutant(
            "the first update in all",
            "alphas[update // updates], state, begin, rule, rule.t + update + 1)",
            "alphas[update // updates], state, begin, rule, rule.t + 1)",
        ),
        Mutant("gradient not turned back", "unpack(g, sizes, bias, False, theta)", "theta[:] = g[: theta.size]"),
        Mutant("weights for errors not kept up", "unpack(P, sizes, bias, True, theta)", "pass"),
        Mutant(
            "one update: by another number",
            "updates], state, 0, rule, rule.t + update + 1)",
            "updates], state, 0, rule, rule.t + 2)",
        ),
        Mutant(
            "one input: no errors",
            "if len(errors):\n        errors_below(deltas",
            "if len(errors):\n        errors_below(0 * deltas",
        ),
        # few rows
        Mutant("few rows: no biases", "start + height], b, out[", "start + height], b[:0], out["),
        Mutant("few rows: the first block for all", "out[start : start + height]", "out[:height]"),
        Mutant("wide: no biases", "P[b : b + k * bias], memory, sums)", "P[b:b], memory, sums)"),
        Mutant("a few rows: no biases", "dots(W, X, b, out)", "dots(W, X, b[:0], out)"),
        Mutant(
            "few rows: the same rows in all blocks",
            "X[start : start + height], b",
            "X[: len(X[start : start + height])], b",
        ),
        Mutant("few rows: no weighted sums", "x, H, z, sums, False)", "x, H, z, sums, True)"),
        Mutant("few rows: not averaged", "result += scale * apply_cost(", "result += apply_cost("),
        Mutant("few rows: weighed twice", "result += scale * weigh", "result += factors[0] * weigh"),
        Mutant(
            "few rows: costs as they are",
            "scale * weigh(cost, codes[-1], z, y, n_out, scale, factors[start : start + m], delta)",
            "scale * apply_cost(cost, codes[-1], z, y, n_out, scale, delta, 0.0)",
        ),
        Mutant(
            "few rows: no slope of the activation",
            "back_through(codes[layer], H[q - m * n : q], back[: m * n], n)",
            "pass",
        ),
        Mutant(
            "few rows: slope of another layer",
            "back_through(codes[layer], H[q - m",
            "back_through(codes[layer + 1], H[q - m",
        ),
        Mutant("few rows: penalties of the cost alone", "penalty(theta, g, layout", "penalty(theta, g[:0], layout"),
        Mutant("few rows: penalties of the gradient alone", "result += penalty(theta, g,", "penalty(theta, g,"),
        Mutant(
            "few rows: no slope of biases",
            "sum_of_rows(deltas, g[p + k * n : p + k * (n + 1)], overwrite)",
            "g[p + k * n : p + k * (n + 1)] = 0",
        ),
        Mutant("few rows: gradient of the last block", "delta, back, zeros, start == 0)", "delta, back, zeros, True)"),
        Mutant("few rows: cost of the last block", "result += scale * apply_cost(", "result = scale * apply_cost("),
        Mutant("few rows: factors of the first block", "factors[start : start + m], delta", "factors[:m], delta"),
        Mutant(
            "few rows: turned weights without biases",
            "WT[n, i] = b[i] if b.size else",
            "WT[n, i] = 0 if b.size else",
        ),
        Mutant("few rows: samples of weight 0", "left_out(np, X, c), c[:, 0]", "X, c[:, 0]"),
        Mutant(
            "few rows: weights averaged as well",
            'elif reduction == "mean":\n        scale /=',
            'if reduction == "mean":\n        scale /=',
        ),
        # sparse
        Mutant("zeros: last term of a sum left out", "terms = used[1 : used[0] + 1]", "terms = used[1 : used[0]]"),
        Mutant("zeros: last input not stepped", "places = used[1 : used[0] + 1]", "places = used[1 : used[0]]"),
        Mutant("zeros: inputs of the first row alone", "np.flatnonzero(X.any(axis=0))", "np.flatnonzero(X[0])"),
        Mutant("zeros: the first list for all rows", "list_nonzero_columns(x, used)\n        product", "product"),
        Mutant("zeros: sums that begin elsewhere", "product_indexed(x, P, start", "product_indexed(x, P, 0 * start"),
        Mutant("zeros: a step from the last rows' list", "rows > rows_of_list(k, P.itemsize) or not", "not"),
        Mutant("zeros: a step without a list", "or not flags[SKIPPED]:  # the", "and flags[SKIPPED]:  # the"),
        Mutant(
            "zeros: the first rows' list for all",
            "        if s:\n            list_nonzero",
            "        if s < 0:\n            list_nonzero",
        ),
        Mutant("zeros: finite, as what is stepped is", " and flags[FINITE] > 0", ""),
        Mutant("zeros: skipped under an infinite weight", "flags[FINITE] or all_finite(weights)", "True"),
        Mutant("zeros: skipped under an infinite delta", "and all_finite(delta[: rows * k])", ""),
        Mutant("zeros: finite as before a dense step", "= finite, penalties", "= flags[FINITE] or finite, penalties"),
        Mutant("zeros: finite without a look", "return bool(np.isfinite(P[places]).all())", "return True"),
        Mutant("zeros: no step", "P[places] += step *", "P[places] += 0 *"),
        Mutant("zeros: a second step of the first layer", "flags[STEPPED] = n * row_length", "n * row_length"),
        Mutant(
            "zeros: biases of the first layer left out",
            "= n * row_length(k, REG",
            "= (n + 1) * row_length(k, REG",
        ),
        Mutant("zeros: gradient of other parameters", "g[begin:], alphas", "g[: P.size - begin], alphas"),
        Mutant(
            "zeros: a step at once without velocity",
            "rule.code == DESCENT and rule.clip_value == np",
            "rule.clip_value == np",
        ),
        Mutant(
            "zeros: a step at once that is not clipped", "and rule.clip_value == np.inf and update.l1", "and update.l1"
        ),
        Mutant("zeros: a step at once without penalty", "and update.l1 == 0 and update.l2 == 0", ""),
        # registers, small
        Mutant(
            "small: last number of a register left out", "n = min(n, len(width))", "n = max(0, min(n, len(width)) - 1)"
        ),
        Mutant(
            "small: errors of the first node alone", "rows @ v, np.zeros", "rows @ v * (np.arange(n) < 1), np.zeros"
        ),
        Mutant(
            "small: relu of the wrong sign",
            'lambda z: where(z, "<", 0.0, 0.0, z)',
            'lambda z: where(z, "<", 0.0, z, 0.0)',
        ),
        Mutant("small: sigmoid without its slope", "e * (h * (1.0 - h))", "e * 1.0"),
        Mutant("small: tanh without its slope", "e * ((1.0 - h) * (1.0 + h))", "e * (1.0 - h)"),
        Mutant("small: relu's slope everywhere", 'e * where(h, ">", 0.0, 1.0, 0.0)', "e * 1.0"),
        Mutant("small: no slope in the output layer", "back_through(codes[-1], h, slope)", "slope"),
        Mutant(
            "small: no slope in a hidden layer", "back_through(codes[layer], load(width, H, q + j), errors)", "errors"
        ),
        Mutant("small: no slope of a hidden softmax", "back_through_softmax(width, H, q, below, n)", "pass"),
        Mutant("small: no slope of a softmax at the end", "back_through_softmax(width, H, q, delta, n_out)", "pass"),
        Mutant("small: softmax left out", "activate(SOFTMAX, H[out : out + k], k)", "pass"),
        Mutant("small: z of no cost", "store(Z, v, z)", "pass"),
        Mutant(
            "small: slope of the other cost",
            "elif cost == CROSS_ENTROPY:\n                    slope",
            "elif False:\n                    slope",
        ),
        Mutant("small: targets that add to 1", "sum_of_targets += factor * target[i]", "sum_of_targets = factor"),
        Mutant(
            "small: errors of the first register",
            "for v in range(lanes, row, lanes):",
            "for v in range(lanes, lanes, lanes):",
        ),
        Mutant(
            "small: another sample's slope",
            "total += share * value(cost, Z[:n_out], target)",
            "total = share * value(cost, Z[:n_out], target)",
        ),
        Mutant(
            "small: penalties left out",
            "costs[update] += penalty(lanes, len(several) > 1, P, G, sizes, l1, l2)",
            "pass",
        ),
        Mutant("small: penalties of the first layer", "p = end + row", "p = 0"),
        Mutant("small: rule left out", "step(P, G, alphas[epoch], state, 0, rule, rule.t + update + 1)", "pass"),
        Mutant(
            "small: updates of before not counted",
            "step(P, G, alphas[epoch], state, 0, rule, rule.t + update + 1)",
            "step(P, G, alphas[epoch], state, 0, rule, update + 1)",
        ),
        Mutant(
            "small: state not kept",
            "pack(lanes, several, state[i], sizes, bias, back, packed[i])",
            "if not back:\n            pack(lanes, several, state[i], sizes, bias, back, packed[i])",
        ),
        Mutant(
            "small: state not read",
            "pack(lanes, several, state[i], sizes, bias, back, packed[i])",
            "if back:\n            pack(lanes, several, state[i], sizes, bias, back, packed[i])",
        ),
        Mutant(
            "small: a step that is not clipped",
            "    plain = rule.code == DESCENT and rule.clip_value == rule.clip_norm == np.inf",
            "    plain = rule.code == DESCENT",
        ),
        Mutant("small: a step without penalty", "plain and l1 == 0 and l2 == 0 and rows == 1", "plain and rows == 1"),
        Mutant(
            "small: plain step by any rule",
            "plain = rule.code == DESCENT and rule.clip_value == rule.clip_norm",
            "plain = rule.clip_value == rule.clip_norm",
        ),
        Mutant("small: W transposed", "p + i * n + j if j < n", "p + (i * n + j) % k * n + (i * n + j) // k if j < n"),
        Mutant("small: bias dropped", "z = load(width, P, p + n * row + v)", "z = times(load(width, P, p), 0.0)"),
        Mutant(
            "small: last input left out",
            "load_first(width, x, row * n_in + j, n_in - j)",
            "load_first(width, x, row * n_in + j, n_in - j - 1)",
        ),
        Mutant(
            "small: targets of other rows",
            "target = y[row * n_out : (row + 1) * n_out]",
            "target = y[s * n_out : (s + 1) * n_out]",
        ),
        Mutant("small: first order for every pass", "order[epoch, s]", "order[0, s]"),
        Mutant("small: first alpha for every pass", "-alphas[epoch]", "-alphas[0]"),
        Mutant("small: update not averaged", "share, total_share = 1.0 / rows if", "share, total_share = 1.0 if"),
        Mutant("small: factor of the sum of squares", "2.0 * half * share", "share"),
        Mutant("small: cost without 1/2", "total += 0.5 * below[i]", "total += below[i]"),
        Mutant(
            "small: cost of the first node",
            "for i in range(lanes):\n                total += 0.5",
            "for i in range(1):\n                total += 0.5",
        ),
        Mutant("small: cost of the last sample", "multiply_add(error, slope, squares)", "times(error, slope)"),
        Mutant("small: gradient of the last sample", "plus(load(width, G, p + n * row + v), d)", "d"),
        Mutant("small: no bias step of one sample", "add_to(width, P, p + n * row + v, d, factor)", "pass"),
        Mutant(
            "small: no step of one sample",
            "add_to(width, P, p + j * row + v, times(broadcast(width, D, q + j), d), factor)",
            "pass",
        ),
        Mutant("small: no step of a batch", "add_to(width, P, p, load(width, G, p), down)", "pass"),
        Mutant("small: gradient not cleared", "store(G, p, nothing)", "pass"),
        Mutant(
            "small: weights put back transposed",
            "theta[place] = P[q + j * row + i]",
            "theta[p + j * k + i if j < n else place] = P[q + j * row + i]",
        ),
        Mutant("small options: dropout forward alone", "times(errors, load(width, masks, q + j))", "errors"),
        Mutant(
            "small options: dropout backward alone",
            "store(D, out + v, times(load(width, H, out + v), load(width, masks, out + v)))",
            "store(D, out + v, load(width, H, out + v))",
        ),
        Mutant("small options: masks of another layer", "place += row_of(width, several, k)", "place += 0"),
        Mutant("small options: masks without a first", "(first + sample) * factors.size", "sample * factors.size"),
        Mutant("small options: masks of the first epoch", "epoch * m + s, sizes, masks", "s, sizes, masks"),
        Mutant(
            "small options: numbers of another layer",
            "i += k\n\n\n@kernel()\ndef _updates",
            "i += 0\n\n\n@kernel()\ndef _updates",
        ),
        Mutant("small options: weights of all 1", "share = weights[row] /", "share = 1.0 /"),
        Mutant("small options: weights of other rows", "share = weights[row] /", "share = weights[s] /"),
        Mutant("small options: weights not averaged", "share = weights[row] / total_share", "share = weights[row]"),
        Mutant("small options: samples of weight 0", "if P.dtype.type(share) == 0.0:", "if False:"),
        Mutant(
            "small: infinity times no node",
            "first(_activate(codes[layer + 1], z), ",
            "(lambda h, n: h)(_activate(codes[layer + 1], z), ",
        ),
        # adaptive
        Mutant("sampling: the floor for all numbers", "if u < floor:", "if u < 1.0:"),
        Mutant("sampling: the floor's first rows", "int(u / floor * m)", "int(u * m)"),
        Mutant("sampling: numbers from the floor on as they are", "(u - floor) / (1.0 - floor)", "u"),
        Mutant("sampling: the left sum not passed", "rest -= tree[node]", "pass"),
        Mutant("sampling: importance without the floor", "* m / tree[1]) + floor)", "* m / tree[1]))"),
        Mutant("sampling: importance of all mass", "(1.0 - floor) * (tree", "1.0 * (tree"),
        Mutant(
            "sampling: the gradient of a row as it is",
            "factors[s] * row[i] if factors[s] != 0.0 else zero",
            "row[i]",
        ),
        Mutant("sampling: the cost of a row as it is", "total += factors[s] * result", "total += result"),
        Mutant(
            "sampling: another row's cost",
            "code, z[start:end], y[start:end]",
            "code, z[start:end], y[:width]",
        ),
        Mutant("sampling: norms of the last batch, too", "squares[s] = 0.0", "pass"),
        Mutant("sampling: norms without the inputs", "(_sum_of_squares(layer_inputs[s]) +", "(1.0 +"),
        Mutant("sampling: norms without biases", "(layer_inputs[s]) + (1.0 if bias else 0.0)", "(layer_inputs[s])"),
        Mutant("sampling: norms of a mean", "squares[part, s - start] / (scale * scale)", "squares[part, s - start]"),
        Mutant(
            "sampling: norms of the first part", "sampled.squares[part, s - start]", "sampled.squares[0, s - start]"
        ),
        Mutant("sampling: norms in other places", "sampled.squares[part, s] =", "sampled.squares[part, 0] ="),
        Mutant(
            "sampling: factors of the first block",
            "workspace.factors[start : start + len(x)]",
            "workspace.factors[: len(x)]",
        ),
        Mutant(
            "sampling: norms of the first block", "workspace.squares[start : start + rows]", "workspace.squares[:rows]"
        ),
        Mutant("sampling: the mean for the sum", "divisor = float(whole) if mean else 1.0", "divisor = float(whole)"),
        Mutant("sampling: partial batch averaged as a full one", "float(whole) if mean", "float(batch_size) if mean"),
        Mutant(
            "sampling: norms of a partial batch", "1.0 / whole if mean else 1.0)", "1.0 / batch_size if mean else 1.0)"
        ),
        Mutant("sampling: numbers of the first epoch", "sampled.numbers[epoch, place]", "sampled.numbers[0, place]"),
        Mutant("sampling: numbers of the first batch", "numbers[epoch, place]", "numbers[epoch, place - start]"),
        Mutant("sampling: importance of no row", "weights[row] = 1.0 / (", "weights[row] = 1.0 + 0.0 * ("),
        Mutant(
            "sampling: nothing learned",
            "learn_rows(sampled, order[epoch, start : start + whole], 1.0 / whole if mean else 1.0)",
            "pass",
        ),
        Mutant(
            "sampling: weights that only grow",
            "(min(squares[s] / running, _MOST) - 1.0)",
            "min(squares[s] / running, _MOST)",
        ),
        Mutant("sampling: without a most", "min(squares[s] / running, _MOST)", "(squares[s] / running)"),
        Mutant("sampling: without a least", "max(moved, least)", "moved"),
        Mutant("sampling: the sum not kept up", "while node > 0:", "while node > 1:"),
        Mutant(
            "sampling: the mean of the last batch",
            "(rows.size + _MEMORY) * (mean - running)",
            "rows.size * (mean - running)",
        ),
        Mutant(
            "sampling: the first mean for ever",
            "mean_of[0] = running + rows.size",
            "mean_of[0] = running + 0 * rows.size",
        ),
        # answers, sharing, the calls of them
        Mutant("first block's rows in all", "start = block * most", "start = 0"),
        Mutant("values of the last block", "result += values[block]", "result = values[block]"),
        Mutant("a block's rows without a look", "elif not finite and not all_finite(flat(x)):", "elif False:"),
        Mutant("cost not averaged", "result *= scale", "pass"),
        Mutant("together: finite without a look", "return finite or all_finite(flat(X))", "return True"),
        Mutant("few rows: no biases", "theta[b : b + k * codes[0]]", "theta[b:b]"),
        Mutant(
            "few rows: all layers in one place",
            "p, q, h = b + k * codes[0], q + m * k",
            "p, q, h = b + k * codes[0], q",
        ),
        Mutant("finite blocks without a look", "all_finite(flat(x))", "True"),
        Mutant("finite sums without a look", "finite = are_finite(sums[:, 0])", "finite = True"),
        Mutant("a finite sample without a look", " or not are_finite(x):", ":"),
        Mutant(
            "cost without penalty",
            "theta, _, layout, _ = model\n        result += penalty(theta, theta[:0], layout, 1, l1, l2)",
            "pass",
        ),
        Mutant(
            "weights not turned",
            "if is_coordinator and not in_lanes:\n        pack(theta, sizes, bias, P)",
            "if is_coordinator and not in_lanes:\n        P[: theta.size] = theta",
        ),
        Mutant("lanes: no biases", "first = b[i] if b.size else", "first = 0 * b[i] if b.size else"),
        Mutant(
            "lanes: inputs left out",
            "product(W[:, start : start + count], inputs[:count, :rows], sums, sums)",
            "pass",
        ),
        Mutant(
            "packed: the first rows again",
            "layout, X[s : s + rows], H, flat(out[s",
            "layout, X[: min(rows, m - s)], H, flat(out[s",
        ),
        Mutant("lanes: the weights of other inputs", "W[:, start : start + count]", "W[:, :count]"),
        Mutant("lanes: one memory for two layers", "(terms + layer % 2 * widest) * row", "terms * row"),
        Mutant(
            "lanes: softmax over samples",
            "transposed(sums, rows_at(workspace, other, rows, k))",
            "workspace[other : other + rows * k] = sums.copy().reshape(rows * k)",
        ),
        Mutant(
            "lanes: rows of the first block again",
            "X[start:end], workspace, out[start:end]",
            "X[: end - start], workspace, out[start:end]",
        ),
        Mutant(
            "lanes: weighted sums not kept",
            "if activates:\n                activate",
            "if True:\n                activate",
        ),
        Mutant("lanes: hidden layers of other rows", "rows_at(H, q + s * k, rows, k)", "rows_at(H, q, rows, k)"),
        Mutant("lanes: hidden layers as if of fewer rows", "activates, H, start, of)", "activates, H, start, len(X))"),
        Mutant(
            "lanes: hidden layers of the last rows left out",
            "copy(last[p : p + few * k], H[q + (m - few) * k : q + m * k])",
            "pass",
        ),
        Mutant("lanes: the last rows left out", "out[m - few :], H)", "out[:few], H)"),
        Mutant("lanes: whether X is finite", "finite = are_finite(sums[0])", "finite = True"),
        Mutant("normalization: variance not averaged", "variances[i] /= count", "variances[i] /= one"),
        Mutant("normalization: mean not averaged", "means[i] /= count", "means[i] /= one"),
        Mutant("normalization: without epsilon", "variances[i] + epsilon", "variances[i] + 10 * epsilon"),
        Mutant("normalization: without gamma", "gamma[i] * n[i] + b[i]", "n[i] + b[i]"),
        Mutant("normalization: without b", "gamma[i] * n[i] + b[i]", "gamma[i] * n[i]"),
        Mutant("normalization: mean's slope left out", "row[i] - of_delta[i] - n[i]", "row[i] - n[i]"),
        Mutant("normalization: variance's slope left out", "- of_delta[i] - n[i] * of_product[i]", "- of_delta[i]"),
        Mutant("normalization: back without gamma", "gamma[i] * inverse[i] * (row", "inverse[i] * (row"),
        Mutant("normalization: gamma's slope without n", "dgamma[i] += row[i] * n[i]", "dgamma[i] += row[i]"),
        Mutant("normalization: biased running variance", "rows / (rows - 1)", "1"),
        Mutant("normalization: running mean not kept", "(1 - MOMENTUM) * running[r + i] +", "running[r + i] +"),
        Mutant("normalization: running statistics of the first layer", "r += 2 * k", "r += 0"),
        Mutant(
            "normalization: the first row for all",
            "gather(X, order[epoch, start : start + rows], shared.x[:rows])",
            "gather(X, order[:1, :1].repeat(rows), shared.x[:rows])",
        ),
        Mutant(
            "normalization: the first rows for all",
            "x, y = X[start : start + rows], Y[start : start + rows]\n        first",
            "x, y = X[:rows], Y[start : start + rows]\n        first",
        ),
        Mutant(
            "normalization: dropout forward alone", "apply_mask(shared.masks[:rows], q + begin, flat(E), E)", "pass"
        ),
        Mutant(
            "normalization: masks of another layer",
            "shared.masks[:rows], q + begin, flat(Z), E)",
            "shared.masks[:rows], begin, flat(Z), E)",
        ),
        Mutant(
            "normalization: masks of the first epoch",
            "start + epoch * (order.shape[1] if order.size else len(X))",
            "start",
        ),
        Mutant("normalization: no slope of the activation", "back_through(code, flat(Z), flat(E), width)", "pass"),
        Mutant("normalization: no bias of the others", "zeros[:width] if is_normalized else biases", "zeros[:width]"),
        Mutant(
            "normalization: the first block's columns of W",
            "[:, first:after], rows_at(mine.W",
            "[:, :columns], rows_at(mine.W",
        ),
        Mutant("normalization: the first block's rows of W", "p + first * n, columns, n), W)", "p, columns, n), W)"),
        Mutant(
            "normalization: the first block's sums",
            "copy(sums[row, :width], statistics[row, begin:end])",
            "copy(sums[row, :width], statistics[row, :width])",
        ),
        Mutant(
            "normalization: the first layer's sums",
            "shared.sums[3 * layer : 3 * layer + _DB]",
            "shared.sums[:_DB]",
        ),
        Mutant(
            "normalization: the first block's errors",
            "copied(E, of_layer[:, begin:end])",
            "copied(E, of_layer[:, :width])",
        ),
        Mutant(
            "normalization: one pass without biases", "of_nodes = g[b : gamma + k * is_normalized]", "of_nodes = g[b:b]"
        ),
        Mutant("normalization: one pass with clipped norms", "in_one_pass and rule.clip_norm == np.inf", "in_one_pass"),
        Mutant(
            "normalization: one pass without penalties", "if in_one_pass and (l1 or l2) else 0.0", "if False else 0.0"
        ),
        Mutant(
            "normalization: penalty at other places",
            "p += sizes[layer + 1] if is_normalized and",
            "p += 0 if is_normalized and",
        ),
        Mutant("normalization: cost not averaged", "1.0 / rows if mean else 1.0, most", "1.0, most"),
        Mutant(
            "normalization: a step of the first epoch's count",
            "0.0, rule.t + update + 1",
            "0.0, 1",
        ),
        Mutant("normalization: statistics stay", "_move(running, layout, rows, shared.sums)", "pass"),
        Mutant("normalization: penalty of folded weights", "cost + penalty(model)", "cost"),
        Mutant("tickets taken twice", "_CLAIMED, task, task + 1)", "_CLAIMED, task, task)"),
        Mutant("every second ticket never taken", "_CLAIMED, task, task + 1)", "_CLAIMED, task, task + 2)"),
        Mutant("a ticket too many", "task >= _read(queue, _ADDED)", "task > _read(queue, _ADDED)"),
        Mutant("ticket done twice", "_add(queue, _DONE, 1)", "_add(queue, _DONE, 2)"),
        Mutant("no waiting", "while _read(queue, _DONE) < _read(queue, _ADDED)", "while False"),
        Mutant("helpers wait for ever", "finally:\n        queue[_CLOSED] = 1", "finally:\n        queue[_CLOSED] = 0"),
        Mutant("mean for sum", '1.0 / len(X) if reduction == "mean" else 1.0', "1.0 / len(X)"),
        Mutant(
            "partial batch dropped",
            "empty(len(alphas) * -(-rows // batch_size))",
            "empty(len(alphas) * (rows // batch_size))",
        ),
        Mutant("weights: not divided by their sum", "weights[sample] / divisor", "weights[sample]"),
        Mutant("weights: those of the first samples", "weights[sample] / divisor", "weights[s] / divisor"),
        Mutant("weights: the sum of a part alone", "update % updates * batch_size, whole)", "start, rows)"),
        Mutant("weights: the sum of samples in order", "order[epoch, place] if order.size else place", "place"),
        Mutant(
            "weights: the sum in the first epoch",
            "order[epoch, place] if order.size else place",
            "order[0, place] if order.size else place",
        ),
        Mutant(
            "weights: the sum of the first batch",
            "for place in range(start, start + rows):",
            "for place in range(rows):",
        ),
        Mutant("weights: a batch of none", "total if total > 0.0 else 1.0", "total"),
        Mutant("weights: the mean for the sum", "if mean and not is_drawn:", "if not is_drawn:"),
        Mutant(
            "weights: normalized, the mean for the sum", "epoch, start, rows) if mean else 1.0", "epoch, start, rows)"
        ),
        Mutant("weights: averaged as well", "        scale = 1.0\n        divisor", "        divisor"),
        Mutant("weights: normalized, averaged as well", "1.0, most[:rows]", "scale, most[:rows]"),
        Mutant("weights: cost divided as well", "if mean and weights.size == 0 else", "if mean else"),
        Mutant("weights: samples of weight 0 in the gradient", "if not are_used:", "if False:"),
        Mutant("weights: all samples left out", "if factors[s] == 0.0 else 0", ""),
        Mutant(
            "weights: samples in order",
            "sample = order[epoch, start + s] if order.size else start + s",
            "sample = start + s",
        ),
        Mutant(
            "weights: samples of the first batch",
            "sample = order[epoch, start + s] if order.size else start + s",
            "sample = order[epoch, s] if order.size else start + s",
        ),
        Mutant(
            "weights: infinity times 0", "factors[s] * row[i] if factors[s] != 0.0 else zero", "factors[s] * row[i]"
        ),
        Mutant(
            "weights: infinite costs times 0", "if factors[s] != 0.0:\n            total", "if True:\n            total"
        ),
        Mutant("weights: costs of the first rows, in columns", "z[start // width + s] = a[s]", "z[s] = a[s]"),
        Mutant("weights: costs of the first row, by rows", "z[r] = shifts[r - first]", "z[r] = shifts[0]"),
        Mutant("weights: outputs for squared errors", "            _each_square(z, y)", "            pass"),
        Mutant("weights: squared errors without 1/2", "half * _sum(", "_sum("),
        Mutant("weights: numbers in place of rows' costs", "1 if cost == CROSS_ENTROPY else width", "width"),
        Mutant("weights: rows in place of numbers' costs", "1 if cost == CROSS_ENTROPY else width", "1"),
        Mutant("weights: sums for entropies", "            _each_entropy(z, y)", "            pass"),
        Mutant("weights: costs of the first block", "factors[start : start + rows], h[:0]", "factors[:rows], h[:0]"),
        Mutant(
            "weights: costs of another reduction",
            "factors(sample_weight, reduction, X.dtype)[:, 0]",
            'factors(sample_weight, "sum", X.dtype)[:, 0]',
        ),
        Mutant(
            "weights: normalized, as they are",
            "+= weigh(*of_output, factors, shared.delta)",
            "+= apply_cost(*of_output, shared.delta, 0.0)",
        ),
        # networks trained together, in lanes or in turn
        Mutant(
            "many: the rows of the first batch",
            "copy(X[order[0, epoch, first + start + s]], inputs[",
            "copy(X[order[0, epoch, start + s]], inputs[",
        ),
        Mutant(
            "many: the order of the first epoch for all",
            "copy(X[order[0, epoch, first + start + s]], inputs[",
            "copy(X[order[0, 0, first + start + s]], inputs[",
        ),
        Mutant(
            "many: rows as they are from the first of a batch",
            "x, x_0 = flat(X), (first + start) * n_in",
            "x, x_0 = flat(X), first * n_in",
        ),
        Mutant(
            "many: inputs of the first batch",
            "network_lanes.gather(width, X, order, epoch, first + start, rows, gathered, inputs)",
            "network_lanes.gather(width, X, order, epoch, start, rows, gathered, inputs)",
        ),
        Mutant(
            "many: targets of the first batch",
            "network_lanes.gather(width, Y, order, epoch, first + start, rows, gathered, y[a:b])",
            "network_lanes.gather(width, Y, order, epoch, start, rows, gathered, y[a:b])",
        ),
        Mutant(
            "many: targets of the first epoch",
            "network_lanes.gather(width, Y, order, epoch, first + start, rows, gathered, y[a:b])",
            "network_lanes.gather(width, Y, order, 0, first + start, rows, gathered, y[a:b])",
        ),
        Mutant(
            "many: masks of the first epoch",
            "dropout, epoch * len(X) + first + start, rows, gathered, factors",
            "dropout, first + start, rows, gathered, factors",
        ),
        Mutant(
            "many: masks of the first batch",
            "dropout, epoch * len(X) + first + start, rows, gathered, factors",
            "dropout, epoch * len(X) + start, rows, gathered, factors",
        ),
        Mutant(
            "many: masks of the first rows",
            "dropout, epoch * len(X) + first + start, rows, gathered, factors",
            "dropout, epoch * len(X) + first, rows, gathered, factors",
        ),
        Mutant(
            "many: dropout in the costs of all samples",
            "rows * (total - n_out) * lanes if G.size and masks.size else 0",
            "rows * (total - n_out) * lanes if masks.size else 0",
        ),
        Mutant(
            "many: weights of the rows of the first piece",
            "order, epoch, first + begin, end - begin, totals",
            "order, epoch, first, end - begin, totals",
        ),
        Mutant("many: weights of the first piece's rows for the next", "done * lanes if is_weighed else 0", "0"),
        Mutant(
            "many: cross-entropies of the pieces before",
            "if done == 0:\n                    sums[:] = 0.0",
            "if False:\n                    sums[:] = 0.0",
        ),
        Mutant(
            "many: squares of the last rows alone",
            "of_rows[1], squares, start == 0, slopes",
            "of_rows[1], squares, True, slopes",
        ),
        Mutant(
            "many: deltas without weights",
            "if G.size and is_weighed and not is_tiny:\n                cost_lanes.weigh(width, of_rows[1], slopes)",
            "if False:\n                cost_lanes.weigh(width, of_rows[1], slopes)",
        ),
        Mutant("many: weighed costs of the blocks before", "more[:] = 0.0", "pass"),
        Mutant(
            "many: costs without weights",
            "found = more if is_weighed and not is_entropy else sums",
            "found = sums",
        ),
        Mutant("many: costs of the last block alone", "values[r] += found[r]", "values[r] = found[r]"),
        Mutant(
            "many: biases of the last block alone",
            "delta, rows_of_delta, sums, begin == 0, G)",
            "delta, rows_of_delta, sums, True, G)",
        ),
        Mutant(
            "many: weights of the last rows alone",
            "*given, done, rows_of_delta, zeros, G, start == 0, (more, of_row))",
            "*given, done, rows_of_delta, zeros, G, True, (more, of_row))",
        ),
        Mutant(
            "many: squares without 1/2",
            "squared += 0.5 * squares[i * lanes + r]",
            "squared += squares[i * lanes + r]",
        ),
        Mutant(
            "many: squares of the first register",
            "squared += 0.5 * squares[i * lanes + r]",
            "squared = 0.5 * squares[i * lanes + r]",
        ),
        Mutant(
            "many: binary cross-entropies not added",
            "if is_binary:\n                    cost_lanes.add_values(",
            "if False:\n                    cost_lanes.add_values(",
        ),
        Mutant(
            "many: outputs without their activation",
            "elif not is_binary:\n                cost_lanes.activate(width, code, out[a:b], n_out)",
            "elif False:\n                cost_lanes.activate(width, code, out[a:b], n_out)",
        ),
        Mutant(
            "many: the first rows for every batch",
            "epoch, first = update // updates, update % updates * batch_size",
            "epoch, first = update // updates, 0",
        ),
        Mutant(
            "many: the first order for every epoch",
            "epoch, first = update // updates, update % updates * batch_size",
            "epoch, first = 0, update % updates * batch_size",
        ),
        Mutant(
            "many: the gradient not averaged",
            "1.0 / whole if mean else 1.0, block_rows(whole, most)",
            "1.0, block_rows(whole, most)",
        ),
        Mutant(
            "many: the mean for the sum",
            "1.0 / whole if mean else 1.0, block_rows(whole, most)",
            "1.0 / whole, block_rows(whole, most)",
        ),
        Mutant(
            "many: averaged by the size of the first batch",
            "1.0 / whole if mean else 1.0, block_rows(whole, most)",
            "1.0 / batch_size if mean else 1.0, block_rows(whole, most)",
        ),
        Mutant(
            "many: costs of all samples by the number of a batch",
            "values[r] *= 1.0 / m",
            "values[r] *= 1.0 / whole",
        ),
        Mutant("many: costs of a batch not averaged", "values[r] /= rows", "pass"),
        Mutant("many: records in the first column", "recorded[:, epoch // record_every], 0", "recorded[:, 0], 0"),
        Mutant(
            "many: records with the weights of a batch",
            "begin, rows, scale, piece, shared = 0, m, 0.0, most, of_records",
            "begin, rows, scale, piece, shared = 0, m, 0.0, most, weights",
        ),
        Mutant(
            "many: records of the last rows",
            "begin, rows, scale, piece, shared = 0, m, 0.0, most, of_records",
            "begin, rows, scale, piece, shared = 1, m - 1, 0.0, most, of_records",
        ),
        Mutant(
            "many: records before every epoch alone",
            "is_recorded = recorded.size and first == 0 and epoch % record_every == 0",
            "is_recorded = recorded.size and first == 0 and epoch == 0",
        ),
        Mutant("many: weights not masked", "used = masked\n            if", "used = theta\n            if"),
        Mutant("many: the gradient of masked weights", "products(G, G, masks)", "pass"),
        Mutant(
            "many: masks of the first update's weights",
            "dropout[2], update, workspace[9], masks",
            "dropout[2], 0, workspace[9], masks",
        ),
        Mutant("many: not divided by the total of weights", "if is_update and is_weighed and mean:", "if False:"),
        Mutant(
            "many: divided by the total of weights in a sum",
            "if is_update and is_weighed and mean:",
            "if is_update and is_weighed:",
        ),
        Mutant("many: divided by the total and the number", "scale = 1.0 if is_weighed else scale", "pass"),
        Mutant(
            "many: weighed costs averaged as well",
            "for r in range(values.size if mean and not is_weighed else 0):",
            "for r in range(values.size if mean else 0):",
        ),
        Mutant(
            "many: penalties of masked weights",
            "of_all = width, layout, across, lanes if is_update else 1, theta",
            "of_all = width, layout, across, lanes if is_update else 1, used",
        ),
        Mutant("many: no penalties", "if l1 or l2:\n                of_all", "if False:\n                of_all"),
        Mutant(
            "many: no penalties without l1",
            "if l1 or l2:\n                of_all",
            "if l1:\n                of_all",
        ),
        Mutant(
            "many: the norm not clipped",
            "parameter_lanes.clip_each(width, layout, across, lanes, G, *limits, *memory_of_clip)",
            "pass",
        ),
        Mutant(
            "many: clipped once more by value",
            "unclipped = Rule(rule.code, rule.beta1, rule.beta2, rule.epsilon, np.inf, np.inf, rule.t)",
            "pass",
        ),
        Mutant(
            "many: the step of the first epoch for all",
            "step(theta, G, alphas[epoch], state, 0, unclipped, rule.t + update + 1)",
            "step(theta, G, alphas[0], state, 0, unclipped, rule.t + update + 1)",
        ),
        Mutant(
            "many: updates not counted",
            "step(theta, G, alphas[epoch], state, 0, unclipped, rule.t + update + 1)",
            "step(theta, G, alphas[epoch], state, 0, unclipped, rule.t + 1)",
        ),
        Mutant(
            "many: one factor of dropout for all nodes",
            "dropout[0][i % hidden], dropout[1][i % hidden]",
            "dropout[0][i % hidden], dropout[1][0]",
        ),
        Mutant(
            "many: one threshold of dropout for all nodes",
            "dropout[0][i % hidden], dropout[1][i % hidden]",
            "dropout[0][0], dropout[1][i % hidden]",
        ),
        Mutant(
            "many: the first networks for every group",
            "move(vectors[first : first + count], True, of_group)",
            "move(vectors[:count], True, of_group)",
        ),
        Mutant("many: the state of the group before", "state[:] = 0\n        order", "pass\n        order"),
        Mutant(
            "many: the orders of the first group",
            "orders[first : first + count] if len(orders) > 1 else orders\n        keys",
            "orders[:count] if len(orders) > 1 else orders\n        keys",
        ),
        Mutant(
            "many: the keys of the first group",
            "dropout[2][first : first + count] if len(dropout[2]) > 1 else dropout[2]",
            "dropout[2][:count] if len(dropout[2]) > 1 else dropout[2]",
        ),
        Mutant("many: records of the first group", "recorded[first : first + count])", "recorded[:count])"),
        Mutant(
            "many: costs of the first group",
            "thetas[first : first + count], costs[first : first + count]",
            "thetas[first : first + count], costs[:count]",
        ),
        Mutant("many: parameters not written back", "transposed(group[:, :count], of_group)", "pass"),
        Mutant(
            "many: the order of the first network",
            "sample = A[order[network, epoch, start + s]]",
            "sample = A[order[0, epoch, start + s]]",
        ),
        Mutant(
            "many: the order of the first epoch",
            "sample = A[order[network, epoch, start + s]]",
            "sample = A[order[network, 0, start + s]]",
        ),
        Mutant(
            "many: the same order, of the first epoch",
            "order[0, epoch, start + s] if order.size else start + s]",
            "order[0, 0, start + s] if order.size else start + s]",
        ),
        Mutant(
            "many: one number for all inputs of a row",
            "broadcast(width, sample, j)",
            "broadcast(width, sample, 0)",
        ),
        Mutant(
            "many: masks of the first network",
            "keys[min(r, keys.size - 1)], number * (count // rows) + 1, 1, thr",
            "keys[0], number * (count // rows) + 1, 1, thr",
        ),
        Mutant(
            "many: masks of the number of the sample",
            "number * (count // rows) + 1, 1, thresholds[:count]",
            "number + 1, 1, thresholds[:count]",
        ),
        Mutant(
            "many: one mask for all nodes of all networks",
            "store(masks, i * lanes, broadcast(width, drawn[0], i))\n    else",
            "store(masks, i * lanes, broadcast(width, drawn[0], 0))\n    else",
        ),
        Mutant(
            "many: masks of the first rows' nodes",
            "masks[s * row + column : s * row + column + k])",
            "masks[column : column + k])",
        ),
        Mutant(
            "many: masks of the first layer",
            "_apply_masks(masks, rows, q // rows, H[q:end], D[q:end])",
            "_apply_masks(masks, rows, 0, H[q:end], D[q:end])",
        ),
        Mutant(
            "many: masks of the first layer, back",
            "_apply_masks(masks, rows, q // rows, errors, errors)",
            "_apply_masks(masks, rows, 0, errors, errors)",
        ),
        Mutant("many: dropout forward alone", "_apply_masks(masks, rows, q // rows, errors, errors)", "pass"),
        Mutant(
            "many: dropout backward alone",
            "below, q = (D, *z[1:]), q + rows * k * lanes",
            "below, q = (H if layer < sizes.size - 2 else D, *z[1:]), q + rows * k * lanes",
        ),
        Mutant(
            "many: no bias",
            "start = (theta, p, 0, lanes) if codes[0] else (zeros, 0, 0, 0)",
            "start = (zeros, 0, 0, 0)",
        ),
        Mutant(
            "many: the bias of one node for all",
            "start = (theta, p, 0, lanes) if codes[0] else (zeros, 0, 0, 0)",
            "start = (theta, p, 0, 0) if codes[0] else (zeros, 0, 0, 0)",
        ),
        Mutant("many: W transposed", "W = (theta, p, lanes, n * lanes)  # W^T", "W = (theta, p, k * lanes, lanes)"),
        Mutant("many: hidden nodes without their activation", "activate(width, codes[layer + 1], H[q:end], k)", "pass"),
        Mutant(
            "many: the output's activation in hidden layers",
            "activate(width, codes[layer + 1], H[q:end], k)",
            "activate(width, codes[-1], H[q:end], k)",
        ),
        Mutant(
            "many: the sum of squares without its factor",
            "2.0 if is_tiny and cost == activations.SUM_OF_SQUARES else 1.0",
            "1.0",
        ),
        Mutant(
            "many: weights of the first network's order",
            "weights[order[min(r, len(order) - 1), epoch, place] if order.size else place] / totals[r]",
            "weights[order[0, epoch, place] if order.size else place] / totals[r]",
        ),
        Mutant(
            "many: weights of the first epoch's order",
            "weights[order[min(r, len(order) - 1), epoch, place] if order.size else place] / totals[r]",
            "weights[order[min(r, len(order) - 1), 0, place] if order.size else place] / totals[r]",
        ),
        Mutant(
            "many: weights in no order",
            "weights[order[min(r, len(order) - 1), epoch, place] if order.size else place] / totals[r]",
            "weights[place] / totals[r]",
        ),
        Mutant(
            "many: weights not divided by their total",
            "if order.size else place] / totals[r]",
            "if order.size else place]",
        ),
        Mutant(
            "many: weights divided by another network's total",
            "if order.size else place] / totals[r]",
            "if order.size else place] / totals[0]",
        ),
        Mutant(
            "many: deltas without the factor of the sum of squares",
            "factors[i] = twice * of_row",
            "factors[i] = of_row",
        ),
        Mutant(
            "many: total of the first network's order",
            "weights[order[min(r, len(order) - 1), epoch, start + s] if order.size else start + s]",
            "weights[order[0, epoch, start + s] if order.size else start + s]",
        ),
        Mutant(
            "many: total of the first rows",
            "weights[order[min(r, len(order) - 1), epoch, start + s] if order.size else start + s]",
            "weights[order[min(r, len(order) - 1), epoch, s] if order.size else s]",
        ),
        Mutant("many: total of the last weight", "total += weights[order[min(r,", "total = weights[order[min(r,"),
        Mutant(
            "many: total of all networks before",
            "total = 0.0\n            for s in range(rows):\n                total +=",
            "total = total if r else 0.0\n            for s in range(rows):\n                total +=",
        ),
        Mutant(
            "many: the first row's weight for the costs of all",
            "shares[s * sums.size + r if is_weighed else r] * sums[r]",
            "shares[r] * sums[r]",
        ),
        Mutant(
            "many: costs without their shares",
            "shares[s * sums.size + r if is_weighed else r] * sums[r]",
            "sums[r]",
        ),
        Mutant(
            "many: costs of the first row",
            "values_in_lanes(cost, h[s * size : (s + 1) * size], y[s * size : (s + 1) * size], sums)",
            "values_in_lanes(cost, h[:size], y[:size], sums)",
        ),
        Mutant(
            "many: the first row's weight for all deltas",
            "factor, start = load(width, factors, s), s // len(width) * size",
            "factor, start = load(width, factors, 0), s // len(width) * size",
        ),
        Mutant(
            "many: small: outputs without their activation",
            "activate(width, code, out, k)\n    nothing",
            "pass\n    nothing",
        ),
        Mutant(
            "many: small: the first row's factor for all",
            "lanes if factors.size > lanes else 0\n    for",
            "0\n    for",
        ),
        Mutant(
            "many: small: the error of the other sign",
            "error = less(h, load(width, y, place))",
            "error = less(load(width, y, place), h)",
        ),
        Mutant(
            "many: small: errors without their factor",
            "error_slope = times(error, load(width, factors, row))",
            "error_slope = error",
        ),
        Mutant(
            "many: small: squares not added",
            "multiply_add(error, error_slope, load(width, squares, total))",
            "times(error, error_slope)",
        ),
        Mutant(
            "many: small: no slope in the output layer",
            "error_slope if is_entropy else tiny_layers.back_through(code, h, error_slope)",
            "error_slope",
        ),
        Mutant(
            "many: small: a slope with the binary cross-entropy",
            "error_slope if is_entropy else tiny_layers.back_through(code, h, error_slope)",
            "tiny_layers.back_through(code, h, error_slope)",
        ),
        Mutant("many: small: the first row of factors again", "node, row = 0, row + down", "node, row = 0, down"),
        Mutant(
            "many: cross-entropies of one row",
            "sums[r] += shares[row + r] * costs[r] if is_tiny",
            "sums[r] = shares[row + r] * costs[r] if is_tiny",
        ),
        Mutant(
            "many: cross-entropies without weights",
            "shares[row + r] * costs[r] if is_tiny or is_weighed else float(costs[r])",
            "float(costs[r])",
        ),
        Mutant(
            "many: cross-entropies with the first row's weight",
            "shares[row + r] * costs[r] if is_tiny",
            "shares[r] * costs[r] if is_tiny",
        ),
        Mutant(
            "many: small: the last target alone",
            "of_targets = _add_rounded_product(of_targets, load(width, y, i), of_row)",
            "of_targets = times(load(width, y, i), of_row)",
        ),
        Mutant(
            "many: small: targets with the factor of the first row",
            "_add_rounded_product(of_targets, load(width, y, i), of_row)",
            "_add_rounded_product(of_targets, load(width, y, i), load(width, factors, 0))",
        ),
        Mutant(
            "many: small: powers for the softmax",
            "h, target = times(load(width, powers, i), of_power), load(width, y, start + i)",
            "h, target = load(width, powers, i), load(width, y, start + i)",
        ),
        Mutant(
            "many: small: targets of the first row",
            "h, target = times(load(width, powers, i), of_power), load(width, y, start + i)",
            "h, target = times(load(width, powers, i), of_power), load(width, y, i)",
        ),
        Mutant(
            "many: small: the first row's factor in a cross-entropy",
            "load(width, factors, row),\n            )",
            "load(width, factors, 0),\n            )",
        ),
        Mutant(
            "many: targets of the first row in a cross-entropy",
            "power, target = load(width, powers, i), load(width, y, start + i)",
            "power, target = load(width, powers, i), load(width, y, i)",
        ),
        Mutant("many: the first row's weight in all cross-entropies", "row += len(width) if is_weighed else 0", "pass"),
        Mutant(
            "many: deltas of the first row's power",
            "power, target = load(width, powers, i), load(width, y, start + i)",
            "power, target = load(width, powers, 0), load(width, y, start + i)",
        ),
        Mutant(
            "many: slopes of the first rows",
            "slopes = (delta, d + start * k * lanes, k * lanes, lanes)",
            "slopes = (delta, d, k * lanes, lanes)",
        ),
        Mutant(
            "many: small: errors through W transposed",
            "lane_products.tree_product(width, *slopes, *W, *E, rows, k, n, across)",
            "lane_products.tree_product(width, *slopes, theta, p, lanes, k * lanes, *E, rows, k, n, across)",
        ),
        Mutant(
            "many: errors through W transposed",
            "_product(width, False, False, slopes, W, (zeros, 0, 0, 0), E, (rows, k, n))",
            "_product(width, False, False, slopes, (theta, p, lanes, k * lanes), (zeros, 0, 0, 0), E, (rows, k, n))",
        ),
        Mutant(
            "many: no slope in hidden layers",
            "back_through(width, across > 0, codes[layer], H[q : q + rows * n * lanes], errors, n, *memory)",
            "pass",
        ),
        Mutant(
            "many: the output's slope in hidden layers",
            "back_through(width, across > 0, codes[layer], H[q : q + rows * n * lanes], errors, n, *memory)",
            "back_through(width, across > 0, codes[-1], H[q : q + rows * n * lanes], errors, n, *memory)",
        ),
        Mutant(
            "many: the gradient of activations that are not masked",
            "a, a_0, a_row, a_column = (D, q, n * lanes, lanes) if layer else x",
            "a, a_0, a_row, a_column = (H, q, n * lanes, lanes) if layer else x",
        ),
        Mutant(
            "many: the gradient of the last rows",
            "start_of_sums = (zeros, 0, 0, 0) if overwrite else dW",
            "start_of_sums = (zeros, 0, 0, 0)",
        ),
        Mutant(
            "many: the gradient of the update before",
            "start_of_sums = (zeros, 0, 0, 0) if overwrite else dW",
            "start_of_sums = dW",
        ),
        Mutant(
            "many: the bias of one node: without the blocks before",
            "G[p + r] = (0.0 if overwrite else G[p + r]) + sums[r]",
            "G[p + r] = sums[r]",
        ),
        Mutant(
            "many: biases by the rows at the start",
            "place, row = d + i * lanes, k * lanes",
            "place, row = i * lanes, k * lanes",
        ),
        Mutant("many: biases by the first node", "place, row = d + i * lanes, k * lanes", "place, row = d, k * lanes"),
        Mutant(
            "many: biases: the second of four rows",
            "plus(s0, load(width, delta, place)), plus(s1, load(width, delta, place + row))",
            "plus(s0, load(width, delta, place)), plus(s1, load(width, delta, place))",
        ),
        Mutant("many: biases: the third of four rows", "s2 = plus(s2, load(width, delta, place + 2 * row))", "pass"),
        Mutant("many: biases: the fourth of four rows", "s3 = plus(s3, load(width, delta, place + 3 * row))", "pass"),
        Mutant("many: biases: the first four rows again", "place += 4 * row", "pass"),
        Mutant(
            "many: biases: the last row again",
            "s0 = plus(s0, load(width, delta, place))\n                place += row",
            "s0 = plus(s0, load(width, delta, place))",
        ),
        Mutant("many: biases: half of the rows", "total = plus(plus(s0, s1), plus(s2, s3))", "total = plus(s0, s1)"),
        Mutant(
            "many: biases: without the blocks before",
            "store(G, p + i * lanes, plus(nothing if overwrite else load(width, G, p + i * lanes), total))",
            "store(G, p + i * lanes, total)",
        ),
        Mutant("many: a softmax that is not divided", "store(row, i, times(load(width, row, i), share))", "pass"),
        Mutant(
            "many: a softmax of the first row",
            "row = z[start : start + size]\n        _, total",
            "row = z[:size]\n        _, total",
        ),
        Mutant(
            "many: a softmax divided by the first node",
            "_, total, _ = activations.powers_of_columns(width, row, z[:0], row, 0, size)",
            "total, _, _ = activations.powers_of_columns(width, row, z[:0], row, 0, size)",
        ),
        Mutant(
            "many: the slope of a softmax at the first row",
            "row, error = h[start : start + size], e[start : start + size]",
            "row, error = h[:size], e[start : start + size]",
        ),
        Mutant(
            "many: small: a softmax's mean of the row before, too",
            "sums[:] = 0.0\n            for i in range(size)",
            "for i in range(size)",
        ),
        Mutant(
            "many: small: a softmax's mean of the first network",
            "sums[i % lanes] += error[i] * row[i]",
            "sums[0] += error[i] * row[i]",
        ),
        Mutant(
            "many: small: a softmax's mean of errors",
            "sums[i % lanes] += error[i] * row[i]",
            "sums[i % lanes] += error[i]",
        ),
        Mutant("many: a softmax's mean of errors", "_dots_in_lanes(e, h, sums)", "_dots_in_lanes(e, h / h, sums)"),
        Mutant("many: a softmax's mean of the first network", "means[r] = sums[r]", "means[r] = sums[0]"),
        Mutant(
            "many: the slope of a softmax with its first node",
            "through_softmax(load(width, row, i), load(width, error, i), mean)",
            "through_softmax(load(width, row, 0), load(width, error, i), mean)",
        ),
        Mutant(
            "many: errors of a softmax's sums",
            "apply_cost(cost, IDENTITY if is_softmax else code, out[a:b]",
            "apply_cost(cost, code, out[a:b]",
        ),
        Mutant(
            "many: a softmax with squared errors left out",
            "if is_softmax:\n                    cost_lanes.activate(",
            "if False:\n                    cost_lanes.activate(",
        ),
        Mutant("many: no slope of a softmax at the end", "if G.size and is_softmax:", "if False:"),
        Mutant(
            "many: no slope of a softmax at the end, small",
            "if G.size and is_softmax:",
            "if G.size and is_softmax and not is_tiny:",
        ),
        Mutant(
            "many: no slope of a softmax at the end, not small",
            "if G.size and is_softmax:",
            "if is_tiny and is_softmax:",
        ),
        Mutant(
            "many: the first network's masks of weights",
            "key, number, start = keys[min(r, keys.size - 1)] + HALF, update * count + 1, 0",
            "key, number, start = keys[0] + HALF, update * count + 1, 0",
        ),
        Mutant(
            "many: masks of weights by the numbers of nodes",
            "key, number, start = keys[min(r, keys.size - 1)] + HALF, update",
            "key, number, start = keys[min(r, keys.size - 1)], update",
        ),
        Mutant("many: the first update's masks of weights", "+ HALF, update * count + 1, 0", "+ HALF, 1, 0"),
        Mutant(
            "many: one threshold for all layers",
            "draw(drawn[r, start:end], key, number, 1, thresholds[layer], factors[layer])",
            "draw(drawn[r, start:end], key, number, 1, thresholds[0], factors[layer])",
        ),
        Mutant(
            "many: one factor for all layers",
            "draw(drawn[r, start:end], key, number, 1, thresholds[layer], factors[layer])",
            "draw(drawn[r, start:end], key, number, 1, thresholds[layer], factors[0])",
        ),
        Mutant(
            "many: one number for all layers' weights",
            "number, start = number + n * k, end + layout[1, 0] * k",
            "start = end + layout[1, 0] * k",
        ),
        Mutant("many: biases masked", "drawn[r, end:start] = 1", "drawn[r, end:start] = 0"),
        Mutant(
            "many: the mask of the first weight alone",
            "for i in range(size if keys.size == 1 else 0)",
            "for i in range(1 if keys.size == 1 else 0)",
        ),
        Mutant("many: values not clipped", "cut(G, clip_value)\n    for layer", "pass\n    for layer"),
        Mutant(
            "many: the norm of weights alone",
            "load(width, G, p + i * each) if bias and i < k else nothing",
            "nothing",
        ),
        Mutant(
            "many: the norm of the last layer",
            "q = _matrix_in_order(width, sizes, layer, across, lanes, G, p, terms, q)",
            "q = _matrix_in_order(width, sizes, layer, across, lanes, G, p, terms, 0)",
        ),
        Mutant(
            "many: the first network's factor for all",
            "largest, factors[r] = limits_of(of_one, sums[r], clip_norm)",
            "largest, factors[r] = limits_of(of_one, sums[0], clip_norm)",
        ),
        Mutant(
            "many: clipped to another norm",
            "limits_of(of_one, sums[r], clip_norm)",
            "limits_of(of_one, sums[r], 0.5 * clip_norm)",
        ),
        Mutant("many: the gradient not scaled", "store(G, i, times(load(width, G, i), factor))", "pass"),
        Mutant("many: no gradient of the penalties", "add_penalties(G[p:end], theta[p:end], l1, l2)", "pass"),
        Mutant(
            "many: penalties of biases",
            "add_penalties(G[p:end], theta[p:end], l1, l2)",
            "add_penalties(G[p : end + k * each], theta[p : end + k * each], l1, l2)",
        ),
        Mutant(
            "many: penalties without l2",
            "_penalty(load(width, terms, i), of_l1, of_l2)",
            "_penalty(load(width, terms, i), of_l1, 0.0 * of_l2)",
        ),
        Mutant(
            "many: penalties without l1",
            "_penalty(load(width, terms, i), of_l1, of_l2)",
            "_penalty(load(width, terms, i), 0.0 * of_l1, of_l2)",
        ),
        Mutant("many: penalties of the last layer", "totals[r] += sums[r]", "totals[r] = sums[r]"),
        Mutant("many: costs without penalties", "values[r] += totals[r]", "pass"),
        Mutant("many: penalties of the first layer's place", "p = end + layout[1, 0] * k * each", "p = end"),
        Mutant(
            "many: orders of the first networks for the rest",
            "orders[whole:] if len(orders) > 1 else orders",
            "orders[: number - whole] if len(orders) > 1 else orders",
        ),
        Mutant(
            "many: masks of the first networks for the rest",
            "dropout[2][whole:] if len(dropout[2]) > 1 else dropout[2]",
            "dropout[2][: number - whole] if len(dropout[2]) > 1 else dropout[2]",
        ),
        Mutant(
            "many: the rest: masks of the first epoch",
            "data = X, Y, order, (*dropout[:2], 0, begin * rows)",
            "data = X, Y, order, (*dropout[:2], 0, 0)",
        ),
        Mutant(
            "many: the rest: weights of the first update",
            "drop_connect), flat.dtype, 0).after(done) if drop_connect",
            "drop_connect), flat.dtype, 0).after(0) if drop_connect",
        ),
        Mutant(
            "many: the rest: updates not counted",
            "batch, alphas[begin:end], (*planned.constants, done), states",
            "batch, alphas[begin:end], (*planned.constants, 0), states",
        ),
        Mutant(
            "many: the rest: the steps of the first epoch",
            "batch, alphas[begin:end], (*planned",
            "batch, alphas[: end - begin], (*planned",
        ),
        Mutant(
            "many: the rest: the first order",
            "np.ascontiguousarray(orders[:, begin:end])",
            "np.ascontiguousarray(orders[:, : end - begin])",
        ),
        Mutant("many: the rest: the cost of the first network", "scratch.theta.flat[:] = theta", "pass"),
        Mutant(
            "many: the rest: the mean for the sum in records",
            "records[begin // each] = evaluate(scratch, X, Y, reduction)[0]",
            'records[begin // each] = evaluate(scratch, X, Y, "mean")[0]',
        ),
        Mutant(
            "many: the rest: one key for all",
            "key, of_connect = keys[i], keys[i] + HALF",
            "key, of_connect = keys[0], keys[0] + HALF",
        ),
        Mutant(
            "many: the rest: masks of weights by the numbers of nodes",
            "key, of_connect = keys[i], keys[i] + HALF",
            "key, of_connect = keys[i], keys[i]",
        ),
        Mutant(
            "many: the rest: the first network's orders",
            "start, model = i * alphas.size % max(1, len(orders))",
            "start, model = 0",
        ),
        Mutant(
            "many: the rest: the first network's state",
            "state, of_one = states[i * count : (i + 1) * count], costs",
            "state, of_one = states[:count], costs",
        ),
        Mutant(
            "many: records with the weights of the mean for the sum",
            "factors(weights, reduction, flat.dtype)[:, 0]",
            'factors(weights, "mean", flat.dtype)[:, 0]',
        ),
    ],
}

REFERENCE = (
    *("sigmoid", "activations", "costs", "dropout", "normalization", "forward"),
    *("sample_weight", "backward", "layerwise", "objective", "optimizers", "sampling", "descent"),
)
KERNELS = (
    *(
        "codegen",
        "codegen.uninterrupted",
        "codegen.loading",
        "codegen.caching",
        *("codegen.inference", "codegen.values", "codegen.calls", "codegen.lowering"),
        "codegen.pipeline",
        "codegen.compiling",
        "codegen.vector",
        "codegen.arithmetic",
        "codegen.generated",
        "codegen.atomic",
        "codegen.memory",
    ),
    *(
        "codegen.lane_products",
        "codegen.loops",
        "codegen.memory",
        "codegen.microkernels",
        "codegen.dots",
        "codegen.packed",
        "codegen.transpose",
        "codegen.stepping",
        "codegen.registers",
        "elementary",
        "gemm",
        "activations",
        "costs",
        "narrow",
        "packing",
        "sparse_input",
        "dropout",
        "forward",
    ),
    *(
        "lanes",
        "steps",
        "penalties",
        "one_pass",
        "backward",
        "parallel",
        "few_nodes",
        "adaptive",
        "training",
        "few_rows",
        "normalized_layers",
        "normalization",
    ),
    *("inference", "evaluation", "answers"),
    *("tiny_layers", "tiny_network", "by_address", "parameter_lanes", "cost_lanes", "network_lanes", "many_networks"),
)
# The modules of a backend, each after those that it imports; the last is the backend itself.
SOURCES = {
    "reference": [*(f"samenet.reference.{name}" for name in REFERENCE), "samenet.reference"],
    "numba": [
        "samenet.fast",
        "samenet.fast.kernels",
        *(f"samenet.fast.kernels.{name}" for name in KERNELS),
        "samenet.fast.sample_weight",
        *("samenet.fast.pages", "samenet.fast.workspace"),
        "samenet.fast.description",
        *("samenet.fast.few_rows", "samenet.fast.ready"),
        "samenet.fast.many_networks",
        "samenet.fast.numba",
    ],
}
# The sizes from which kernels take another path, reduced so that the samples here take every path.
SMALLER = {
    "REGISTER": 16,
    "MR, NR": (2, 3),
    "WIDE": 6,
    "_MC, _KC, _BLOCK": (8, 4, 256),
    "_FEW_TERMS": 2,
    "_UNPACKED": 3,
    "BLOCK": 8,
    "LEAST": 4,
    "GROUP_ROWS": 5,
    "_LIST_ROWS": (3, 2),
    "TOGETHER": 2,
    "_MOST_ROWS": 4,
    "_FEW_NODES": 0,
    "_BLOCK": 3,
    "_LONE": 16,
    "_TRANSPOSING, _SINGLE": (1, 2),
    "_SHORT": 3,
    "_LITTLE": 0,
    "_PACKING": 30,
    "_DOTS, _KEPT": (3, 1 << 19),
    "PAGE": 16,
    "_COLUMNS": 3,
    "_ROWS": 4,
    "_TERMS": 4,
    "_NEAR": 4,
    "_PARTS, _ROWS, _WORK": (8, 8, 1),
    "_MANY, _MORE_ROWS": (80, 32),
    "PAYS": 0,
    "_INPUTS, _ONLINE, _WITH_STATE": (256, 8, 8),
    "_BATCH, _LINEAR, _LOGARITHMS": ((500, 40), (420, 1), 60),
    "NARROW": 32,
    "UNPACKED_ROWS": 6,
    "_GRADIENT": 6,
    "MOST_ROWS, WIDE_ROWS, NORMALIZED_ROWS": (3, 3, 3),
    "_BLOCKS, _FEW, _NARROW": (2, 3, 2),
    "_FEW, _LAST, _REST, _LARGE": (2, 128, 0.5, 0),
    "_DOTTED, _LEAST": (4, 2),
    "_SOME, _MUCH, _LEAST": (0, 1, 2),
    "_LEAST, _CACHED": (3, 1),
}


@functools.cache
def _sources(backend: str) -> dict[str, str]:
    """The text of each module of a backend."""
    texts = {name: inspect.getsource(importlib.import_module(name)) for name in SOURCES[backend]}
    if backend == "numba":
        for constant, value in SMALLER.items():
            pattern = re.compile(f"^{constant} = [^#\n]*", re.MULTILINE)
            assert sum(len(pattern.findall(text)) for text in texts.values()) == 1, constant
            texts = {name: pattern.sub(f"{constant} = {value}  ", text) for name, text in texts.items()}
    return texts


def _load(
    backend: str, texts: dict[str, str], monkeypatch: pytest.MonkeyPatch, counted: bool = False
) -> type[Interface]:
    """The Network of a backend made from these texts, as a separate package, so that nothing else sees it.

    counted: as if loaded from the files themselves, so that coverage counts the lines as theirs.
    """
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    monkeypatch.delattr(os, "register_at_fork", raising=False)  # it would keep the module for ever
    package = "samenet.reference" if backend == "reference" else "samenet.fast"
    for original, text in texts.items():
        name = original.replace(package, "mutated")
        module = ModuleType(name)
        module.__file__ = importlib.import_module(original).__file__
        monkeypatch.setitem(sys.modules, name, module)
        file = str(module.__file__) if counted else name
        exec(code(text.replace(package, "mutated"), file), module.__dict__)
    if backend == "reference":
        return type("Network", (Interface,), {"backend": module})
    return module.Network  # type: ignore[no-any-return]


RULED = [
    (Functions("tanh", "softmax", "cross_entropy", l1=0.2, l2=0.1), Rule(Momentum(0.9), dropout=True)),
    (Functions("relu", "sigmoid", "binary_cross_entropy"), Rule(Nesterov(0.5), clip_value=0.02)),
    (Functions("tanh", "sigmoid", l2=0.3), Rule(clip_norm=0.05, drop_connect=True)),
    (Functions("softmax", "identity", "sum_of_squares"), Rule(clip_norm=0.05)),
    (Functions("relu", "softmax"), Rule(Nesterov(0.9))),
    (Functions("relu", "tanh"), Rule(RMSProp(0.8, 1e-2))),
    (Functions("tanh", "identity"), Rule(Adam(0.7, 0.9, 1e-2), clip_norm=0.5)),
]
SEVEN_ROWS, BLOCKS = Case((5, 7, 3, 2), 7), Case((4, 3, 2), 300)


def _compare(cls: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    """The comparisons of `test_agreement` for a few cases, with remainders, several blocks and both sides of `SMALLER`.

    The slowest come last, because a mutant's run ends as soon as one fails.
    """
    if cls.backend.__name__ == "mutated.numba":
        yield from _counters(sys.modules["mutated.kernels.parallel"])
        yield from _sum_of_parts(sys.modules["mutated.kernels.training"])
        yield from _finite_rows(cls, sys.modules["mutated.kernels.inference"])
    trusted = samenet.backend("reference").Network
    no_bias, few = (
        Case((9, 8, 5, 4, 3), 3, bias=False),
        Case((3, 5, 7, 3), 3, functions=Functions("softmax", "softmax")),
    )
    for case in (SEVEN_ROWS, no_bias, few, Case((4, 3, 9, 7, 2), 13)):
        networks = case.network(cls), case.network(trusted)
        yield from agreement.forward(*networks, case.X)
        yield from agreement.gradient(*networks, case.X, case.Y)
    case = Case((4, 6), 5, functions=Functions("tanh", "softmax", "cross_entropy"))
    for Y in (case.Y, np.eye(6)[[0, 2, 5, 1, 3]]):
        yield from agreement.gradient(case.network(cls), case.network(trusted), case.X, Y)
    for functions, _ in RULED:
        case = Case((4, 5, 3, 2), 7, functions=functions)
        networks = case.network(cls), case.network(trusted)
        yield from agreement.forward(*networks, case.X)
        yield from agreement.gradient(*networks, case.X, case.Y)
        yield from agreement.gradient(*networks, case.X, case.Y, case.dropout)
        yield from agreement.gradient(*networks, case.X, case.Y, None, case.drop_connect)
    yield from _many_rows(cls, trusted)
    networks = BLOCKS.network(cls), BLOCKS.network(trusted)
    networks[0].threads = 3
    yield from agreement.schedule(*networks, BLOCKS.X[:30], BLOCKS.Y[:30], [0.5, 0.1, 0.9], clip_norm=0.05)
    with np.errstate(all="ignore"):
        for rows in (8, 30):
            yield from agreement.finite_input(BLOCKS.network(cls), BLOCKS.X[:rows])
    yield from _ruled(cls, trusted)
    yield from _few_nodes(cls, trusted)
    yield from _normalized(cls, trusted)
    yield from _wide(cls, trusted)
    yield from _small(cls, trusted)
    yield from _small_options(cls, trusted)
    yield from _few_rows(cls, trusted)
    yield from _sampled(cls, trusted)
    yield from _weighted(cls, trusted)
    yield from _zeros(cls, trusted)
    if cls.backend.__name__ == "mutated.numba":
        yield from _many(cls, trusted)
    networks = BLOCKS.network(cls), BLOCKS.network(trusted)
    networks[0].threads = 3
    yield from agreement.forward(*networks, BLOCKS.X)
    yield from agreement.gradient(*networks, BLOCKS.X, BLOCKS.Y)
    yield from agreement.gradient(*networks, BLOCKS.X[:30], BLOCKS.Y[:30], *BLOCKS.masks)


def _many_rows(cls: type[Interface], trusted: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    """Several blocks of rows, and plain descent by several batches."""
    networks = BLOCKS.network(cls), BLOCKS.network(trusted)
    yield from agreement.forward(*networks, BLOCKS.X)
    yield from agreement.gradient(*networks, BLOCKS.X, BLOCKS.Y)
    X, Y = SEVEN_ROWS.X, SEVEN_ROWS.Y
    networks = SEVEN_ROWS.network(cls), SEVEN_ROWS.network(trusted)
    for descent in (Descent(7, epochs=2), Descent(3, epochs=2, shuffled=True), Descent(5, reduction="sum")):
        yield from agreement.lockstep(*networks, X, Y, descent)
        yield from agreement.free_run(*networks, X, Y, descent)
    yield from agreement.schedule(SEVEN_ROWS.network(cls), SEVEN_ROWS.network(trusted), X, Y, [0.5, 0.1, 0.9])


def _ruled(cls: type[Interface], trusted: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    """Each rule, with clipping and masks; rules with more state first."""
    for functions, rule in reversed(RULED):
        case = Case((4, 5, 3, 2), 7, functions=functions)
        networks = case.network(cls), case.network(trusted)
        yield from agreement.ruled(*networks, case.X, case.Y, Descent(4, epochs=2, rule=rule), case.masks)
        yield from agreement.ruled_at_once(networks[0], case.X, case.Y, Descent(4, epochs=2, rule=rule), case.masks)


def _few_nodes(cls: type[Interface], trusted: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    of_three = Case((17, 3), 11, True, "float32")  # several groups, which fit registers as small
    of_one = Case((6, 1, 1), 20)
    for case in (Case((7, 1, 9), 30), of_one, Case((9, 2, 3), 23, False, "float32"), Case((21, 4), 11), of_three):
        networks = case.network(cls), case.network(trusted)
        for rows in (3, case.rows):
            yield from agreement.forward(*networks, case.X[:rows])
            yield from agreement.gradient(*networks, case.X[:rows], case.Y[:rows])
        yield from agreement.free_run(*networks, case.X, case.Y, Descent(9, epochs=2))
        yield from agreement.ruled(*networks, case.X, case.Y, Descent(9, rule=Rule(Adam(0.7, 0.9, 1e-2))), case.masks)
    for case in (Case((7, 1), 20, functions=Functions(l1=0.1, l2=0.2)), of_three):
        networks = case.network(cls), case.network(trusted)
        yield from agreement.free_run(*networks, case.X, case.Y, Descent(9, 2, shuffled=True))
        yield from agreement.ruled(*networks, case.X, case.Y, Descent(20, rule=Rule(Adam(0.7, 0.9, 1e-2))), case.masks)


def _normalized(cls: type[Interface], trusted: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    case = Case((4, 9, 3, 6, 2), 8)
    settings: dict[str, Any] = {"activation": ["tanh", "relu", "softmax", "sigmoid"], "l2": 0.1, "init": "normal"}
    for flags in (True, [True, False, True]):
        networks = [one(case.sizes, seed=1, batch_normalization=flags, **settings) for one in (cls, trusted)]
        for network in networks:
            random = np.random.default_rng(0)
            for numbers in (*network.gammas, *network.running):
                numbers[:] = random.uniform(0.5, 2.0, numbers.shape)
        yield from agreement.normalized(*networks, case.X, case.Y)
        yield from agreement.normalized(*networks, case.X, case.Y, case.dropout)
        networks[0].threads = 2  # so that layers are divided into blocks
        for rule, size, others in (
            (Adam(), 4, {}),
            (Adam(), 4, {"dropout": case.dropout}),
            (Momentum(0.5), 3, {"clip_norm": 0.01}),  # in one pass over the weights, but not clipped
            (Momentum(0.5), 3, {}),
        ):
            t = [one.copy() for one in networks]
            of = {"alpha": 0.1, "batch_size": size, "epochs": 2, **others}
            costs = [agreement.run_updates(one, case.X, case.Y, rule, **of) for one in t]
            yield "costs", compare(*costs, 1e-6)
            yield "several updates", compare(t[0].model.theta.everything, t[1].model.theta.everything, 1e-6)


def _wide(cls: type[Interface], trusted: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    """Several blocks of rows, columns and terms; the step within the product and separate; and a rule with state."""
    case = Case((7, 9, 2), 40)
    networks = case.network(cls), case.network(trusted)
    for rows in (40, 8):  # the fewer are in the lanes
        yield from agreement.forward(*networks, case.X[:rows])
    yield from agreement.gradient(*networks, case.X, case.Y)
    for descent in (Descent(12), Descent(40)):
        yield from agreement.lockstep(*networks, case.X, case.Y, descent)
    for rule in (Rule(Momentum(0.9)), Rule(Momentum(0.9), drop_connect=True), Rule(drop_connect=True)):
        yield from agreement.ruled(*networks, case.X, case.Y, Descent(20, 2, rule=rule), case.masks)
    for functions, rule in (
        (Functions(l1=0.1, l2=0.2), Rule(Adam(0.7, 0.9, 1e-2))),
        (Functions(), Rule(clip_value=0.02)),
        (Functions(l2=0.2), Rule()),
    ):
        case = Case((13, 9, 5, 2), 8, functions=functions)
        networks = case.network(cls), case.network(trusted)
        yield from agreement.lockstep(*networks, case.X, case.Y, Descent(6))
        yield from agreement.ruled(*networks, case.X, case.Y, Descent(6, 2, rule=rule), case.masks)
        yield from agreement.ruled_at_once(networks[0], case.X, case.Y, Descent(6, 2, rule=rule), case.masks)
    deeper = Case((7, 9, 9, 2), 6)
    networks = deeper.network(cls), deeper.network(trusted)
    yield from agreement.lockstep(*networks, deeper.X, deeper.Y, Descent(3))


def _sampled(cls: type[Interface], trusted: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    """Rows drawn by importance: single updates, and several in one call, with a partial batch."""
    for sizes, functions, rule, reduction in (
        ((4, 5, 3, 2), Functions("tanh", "softmax", "cross_entropy", l1=0.2, l2=0.1), Rule(dropout=True), "mean"),
        ((4, 5, 3, 2), Functions("tanh", "sigmoid", l1=0.2, l2=0.1), Rule(drop_connect=True), "mean"),
        ((4, 5, 2), Functions("relu", "sigmoid", "binary_cross_entropy"), Rule(Momentum(0.9)), "sum"),
        ((7, 9, 2), Functions("tanh", "identity"), Rule(Adam(0.7, 0.9, 1e-2)), "mean"),
    ):
        case = Case(sizes, 23, functions=functions)
        networks, descent = (case.network(cls), case.network(trusted)), Descent(10, 1, False, reduction, 0.1, rule)
        yield from agreement.sampled(*networks, case.X, case.Y, descent, case.masks)
        yield from agreement.sampled_at_once(networks[0], case.X, case.Y, Descent(4, 2, rule=rule), case.masks)
    case = Case((4, 5, 2), 23)
    networks = case.network(cls), case.network(trusted)
    for one in networks:  # by batches in two parts, and a partial one
        one.train(case.X, case.Y, alpha=0.5, epochs=3, batch_size=20, seed=1, sampling="adaptive")
    yield "by parts", compare(networks[0].parameters, networks[1].parameters, 1e-9)
    case = Case((3, 2), 6, bias=False)
    networks = case.network(cls), case.network(trusted)
    yield from agreement.sampled(*networks, case.X, case.Y, Descent(5), case.masks)


def _weighted(cls: type[Interface], trusted: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    """Sample weights: some 0, for samples with huge numbers; batches of weight 0; several blocks, parts and threads."""
    weights = weights_of(13)
    for functions, rule, reduction in (
        (Functions("tanh", "softmax", "cross_entropy", l1=0.2), Rule(Momentum(0.9), dropout=True), "mean"),
        (Functions("relu", "identity", "sum_of_squares"), Rule(drop_connect=True), "sum"),
    ):
        case = Case((4, 5, 2), 13, functions=functions)
        networks, descent = (case.network(cls), case.network(trusted)), Descent(5, 2, True, reduction, 0.1, rule)
        yield from agreement.gradient(*networks, case.X, case.Y, None, None, weights)
        yield from agreement.ruled(*networks, case.X, case.Y, descent, case.masks, weights)
        yield from agreement.ruled_at_once(networks[0], case.X, case.Y, descent, case.masks, weights)
    x, y = case.X.copy(), case.Y.copy()
    x[weights == 0], y[weights == 0] = 1e300, -1.7e308
    for network in networks:
        network.weights[0][:] *= 1e10
        network.weights[1][:] *= 1e-10
    with np.errstate(all="ignore"):
        yield from agreement.gradient(*networks, x, y, None, None, weights)
        for reduction in ("mean", "sum"):
            ends = [one.copy() for one in networks]
            options = {
                "alpha": 0.1,
                "batch_size": 4,
                "reduction": reduction,
                "sample_weight": np.arange(13) // 4 % 2 * 1.0,
            }
            costs = [agreement.run_updates(one, case.X, case.Y, **options) for one in ends]
            yield "costs", compare(*costs, 1e-9 * np.abs(costs[1]))
            yield "several updates", compare(ends[0].parameters, ends[1].parameters, 1e-9 * np.abs(ends[1].parameters))
    case = Case((4, 3, 2), 60)
    networks = case.network(cls), case.network(trusted)
    networks[0].threads = 3
    yield from agreement.gradient(*networks, case.X, case.Y, None, None, weights_of(60))
    settings: dict[str, Any] = {"activation": ["tanh", "sigmoid"], "init": "normal", "batch_normalization": True}
    networks = cls(case.sizes, seed=1, **settings), trusted(case.sizes, seed=1, **settings)
    yield from agreement.normalized(*networks, case.X[:7], case.Y[:7], None, np.array([2.0, 0.5, 0, 1, 3, 0.25, 0]))


def _few_rows(cls: type[Interface], trusted: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    """One row, and more than are processed together; every cost, penalties, and a weight of 0."""
    case = Case((8, 5, 2), 6)
    networks = case.network(cls), case.network(trusted)
    yield from agreement.ruled(*networks, case.X, case.Y, Descent(6, rule=Rule(Nesterov(0.5))), case.masks)
    for functions, rows, weights in (
        (Functions("tanh", "softmax", "cross_entropy", l1=0.2, l2=0.1), 3, np.array([2.0, 0.0, 0.5])),
        (Functions("relu", "sigmoid", "binary_cross_entropy"), 1, None),
        (Functions("softmax", "identity", "sum_of_squares", l2=0.1), 4, np.array([0.0, 1.0, 0.0, 2.0])),
        (Functions("tanh", "sigmoid"), 3, None),
        (Functions("sigmoid", "identity"), 4, None),
    ):
        sizes = (3, 1, 2) if functions.output == "identity" and weights is None else (4, 5, 3, 2)
        case = Case(sizes, rows, functions=functions)
        networks = case.network(cls), case.network(trusted)
        yield from agreement.gradient(*networks, case.X, case.Y)
        if weights is not None:
            x = np.where(weights[:, np.newaxis] == 0, 1.7e308, case.X)
            for network in networks:
                network.weights[0][:] *= 10.0
            with np.errstate(all="ignore"):
                yield from agreement.gradient(*networks, x, case.Y, None, None, weights)


def _small(cls: type[Interface], trusted: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    """Layers of two nodes, which fit the smallest registers."""
    two_registers = (2, 3, 2)
    for sizes, functions in (
        ((3, 2, 2, 1), Functions()),
        ((3, 2, 2), Functions("tanh", "identity", "sum_of_squares")),
        ((3, 2, 2, 1), Functions("relu", "tanh")),
        ((1, 2, 3, 1), Functions("tanh", "tanh")),
        (two_registers, Functions("softmax", "sigmoid", "binary_cross_entropy")),
        (two_registers, Functions("tanh", "softmax", "cross_entropy", l1=0.1, l2=0.2)),
        (two_registers, Functions("sigmoid", "softmax")),
    ):
        case = Case(sizes, 7, functions=functions)
        networks = case.network(cls), case.network(trusted)
        for rule in (Rule(Adam(0.7, 0.9, 1e-2), clip_norm=0.5), Rule(Momentum(0.9)), Rule(clip_value=0.01)):
            ruled = Descent(4, epochs=2, rule=rule)
            yield from agreement.ruled(*networks, case.X, case.Y, ruled, case.masks)
            yield from agreement.ruled_at_once(networks[0], case.X, case.Y, ruled, case.masks)
        for descent in (
            Descent(1, epochs=2, shuffled=True),
            Descent(3, epochs=2, shuffled=True),
            Descent(4, 2, False, "sum"),
        ):
            yield from agreement.lockstep(*networks, case.X, case.Y, descent)
            if functions == Functions():  # for others, a first-order bound does not hold
                yield from agreement.free_run(*networks, case.X, case.Y, descent)
        yield from agreement.schedule(*networks, case.X, case.Y, [0.5, 0.1, 0.9])
    with np.errstate(all="ignore"):
        yield from agreement.infinite_inside(cls, trusted)


def _small_options(cls: type[Interface], trusted: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    """Masks of nodes and weights, sample weights (some 0), and rows drawn by importance, for the same networks."""
    for sizes, functions in (
        ((3, 2, 2, 1), Functions("tanh", "tanh", l2=0.1)),
        ((2, 3, 2), Functions("softmax", "softmax", "cross_entropy")),
        ((3, 2, 2, 1), Functions("relu", "sigmoid", "binary_cross_entropy")),
    ):
        case = Case(sizes, 7, functions=functions)
        networks = case.network(cls), case.network(trusted)
        for rule in (Rule(dropout=True), Rule(drop_connect=True), Rule(Momentum(0.9), dropout=True, drop_connect=True)):
            for descent in (Descent(1, 2, rule=rule), Descent(3, 2, True, "sum", rule=rule)):
                yield from agreement.ruled(*networks, case.X, case.Y, descent, case.masks)
                yield from agreement.ruled_at_once(networks[0], case.X, case.Y, descent, case.masks)
            descent = Descent(3, 1, False, "mean", 0.1, rule)
            yield from agreement.sampled(*networks, case.X, case.Y, descent, case.masks)
            yield from agreement.sampled_at_once(networks[0], case.X, case.Y, Descent(3, 2, rule=rule), case.masks)
        weights = np.array([2.0, 0.0, 0.5, 1.0, 3.0, 0.0, 0.25])
        for descent in (Descent(1, 2), Descent(3, 2, True), Descent(3, 2, True, "sum")):
            yield from agreement.ruled(*networks, case.X, case.Y, descent, case.masks, weights)
            yield from agreement.ruled_at_once(networks[0], case.X, case.Y, descent, case.masks, weights)
    x = np.where(weights[:, np.newaxis] == 0, 1.7e308, case.X)
    for network in networks:
        network.weights[0][:] *= 10.0
    with np.errstate(all="ignore"):
        yield from agreement.ruled(*networks, x, case.Y, Descent(3, 2), case.masks, weights)


# Networks of `train_many`: sizes, activations of hidden nodes and of the output, settings of the networks, and of their
# training. All but the last are trained in lanes, two in each group; the third network is alone in one, or in none.
MANY: list[tuple[tuple[int, ...], str, str, dict[str, Any], dict[str, Any]]] = [
    ((3, 2, 1), "tanh", "sigmoid", {"l1": 0.1, "l2": 0.2}, {"clip_norm": 0.02, "optimizer": "momentum"}),
    ((2, 3, 1), "relu", "tanh", {"cost": "sum_of_squares"}, {"weighted": True, "dropout": 0.3}),
    ((3, 2, 1), "tanh", "sigmoid", {}, {"shuffle": False, "clip_value": 0.02, "reduction": "sum", "optimizer": "adam"}),
    ((2, 3), "tanh", "sigmoid", {}, {"batch_size": 15}),
    ((2, 2, 1), "tanh", "sigmoid", {"cost": "binary_cross_entropy"}, {"weighted": True, "rows": 4}),
    ((2, 2, 3), "tanh", "softmax", {"cost": "cross_entropy"}, {"weighted": True, "batch_size": 2}),
    ((2, 2, 3), "tanh", "softmax", {"cost": "cross_entropy", "bias": False}, {"seeds": [4] * 3, "batch_size": 5}),
    ((3, 3, 3, 2), "sigmoid", "tanh", {"l1": 0.1, "l2": 0.2}, {"drop_connect": 0.3, "weighted": True}),
    ((3, 3, 3), "tanh", "softmax", {"cost": "cross_entropy"}, {"weighted": True, "dropout": 0.3, "batch_size": 13}),
    ((3, 3, 3), "tanh", "softmax", {"cost": "cross_entropy", "l2": 0.1}, {"batch_size": 15}),
    (
        *((2, 3, 3), "tanh", "sigmoid", {"cost": "binary_cross_entropy"}),
        {"weighted": True, "seeds": [4] * 3, "batch_size": 13, "reduction": "sum"},
    ),
    (
        *((2, 3, 3), "relu", "identity", {"cost": "sum_of_squares"}),
        {"clip_value": 0.02, "clip_norm": 0.01, "batch_size": 13},
    ),
    ((3, 3, 2, 1), "tanh", "sigmoid", {}, {"drop_connect": [0.0, 0.4, 0.2], "seeds": [4] * 3, "dropout": [0.2, 0.5]}),
    ((5, 1), "tanh", "sigmoid", {"cost": "binary_cross_entropy"}, {"batch_size": 13, "record_every": 2}),
    ((2, 3, 2), "tanh", "softmax", {}, {"weighted": True, "batch_size": 3, "record_every": 2}),
    ((2, 2, 3), "softmax", "softmax", {"cost": "sum_of_squares"}, {"batch_size": 13, "dropout": 0.3}),
    (
        *((4, 5, 2), "tanh", "sigmoid", {}),
        {"dropout": 0.3, "drop_connect": 0.4, "optimizer": "adam", "reduction": "sum"},
    ),
]


def _many(cls: type[Interface], trusted: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    """Networks that are trained in one call, compared with those that the reference trains one by one."""
    random, alone, train = np.random.default_rng(0), list[int](), alike.train

    def noted(*given: Any) -> list[int]:
        found = train(*given)
        alone.extend(found)  # networks that do not stay finite are trained again, one by one
        return found

    for sizes, hidden, output, given, training in MANY:
        steps = schedules.StepDecay(0.3, 0.5, 1)
        options: dict[str, Any] = {"alpha": steps, "epochs": 2, "batch_size": 4, "record_every": 1, **training}
        seeds, rows = options.pop("seeds", [3, 4, 5]), options.pop("rows", 15)
        X, Y = random.normal(size=(rows, sizes[0])), random.random((rows, sizes[-1]))
        if options.pop("weighted", False):
            options["sample_weight"] = weights_of(rows) + 0.25
        kind = {"activation": [hidden] * (len(sizes) - 2) + [output], **given}
        many, each = ([one(sizes, seed=i, **kind) for i in range(3)] for one in (cls, trusted))
        for some, others in zip(many, each, strict=True):
            some.parameters = others.parameters = random.normal(size=some.parameters.size)
        with mock.patch.object(alike, "train", noted):
            train_many(many, X, Y, seeds=seeds, **options)
        yield "trained alone", compare(alone, [], 0)
        for found, one, seed in zip(many, each, seeds, strict=True):
            one.train(X, Y, seed=seed, **options)
            yield "parameters of many", compare(found.parameters, one.parameters, 1e-9)
            yield "costs of many", compare(found.history.cost, one.history.cost, 1e-9)


def _zeros(cls: type[Interface], trusted: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    """Samples that are mostly 0, mixed with some that are not, and with numbers that are not finite."""
    case = Case((6, 4, 3, 2), 24)
    networks = case.network(cls), case.network(trusted)
    X = mostly_zero(case.X)
    X[8:12] = case.X[8:12]
    yield from agreement.forward(*networks, X)
    yield from agreement.gradient(*networks, X, case.Y)
    for descent in (Descent(4), Descent(5, epochs=2, shuffled=True), Descent(10, epochs=2)):
        yield from agreement.free_run(*networks, X, case.Y, descent)
    first_rows_alone = np.zeros_like(case.X)  # their nonzero numbers have other indices than those of the first
    first_rows_alone[:, 0] = case.X[:, 0]
    first_rows_alone[range(4), range(1, 5)] = 1.0
    yield from agreement.free_run(*networks, first_rows_alone, case.Y, Descent(12, epochs=2))
    yield from agreement.free_run(*networks, first_rows_alone[::-1].copy(), case.Y, Descent(8))
    hardly = case.X.copy()
    hardly[::4, 2] = 0.0  # too few zeros to be skipped; the first row of a batch has one that the others do not
    yield from agreement.free_run(*networks, hardly, case.Y, Descent(4))
    for penalties, rule in (
        ({}, Rule(Momentum(0.9), dropout=True)),
        ({}, Rule(clip_value=0.01)),
        ({}, Rule(clip_norm=0.01)),
        ({"l1": 0.1}, Rule()),
        ({"l2": 0.1}, Rule()),
        ({}, Rule(drop_connect=True)),
    ):
        ruled = Case((6, 4, 3, 2), 24, functions=Functions(**penalties))
        networks, moving = (ruled.network(cls), ruled.network(trusted)), Descent(4, epochs=2, rule=rule)
        yield from agreement.ruled(*networks, mostly_zero(case.X), case.Y, moving, case.masks)
    with np.errstate(all="ignore"):
        yield from agreement.spoiled(*networks, mostly_zero(case.X), case.Y)
        yield from agreement.overflowing(cls, trusted)
    longer = Case((20, 4, 2), 10, functions=Functions(l1=0.1, l2=0.2))  # several slices
    networks = longer.network(cls), longer.network(trusted)
    some = longer.X * (np.arange(20) % 3 < 2)
    yield from agreement.free_run(*networks, some, longer.Y, Descent(5, epochs=2))
    yield from agreement.ruled(*networks, some, longer.Y, Descent(5, epochs=2, rule=Rule(Momentum(0.9))), longer.masks)


# By the beginning of a mutant's name: the comparison that it is likely to fail, which is tried first.
ABOUT = {
    **{"wide": _wide, "sampling": _sampled, "small": _small, "zeros": _zeros, "normalization": _normalized},
    **{
        "weights": _weighted,
        "at once": _wide,
        "one pass": _wide,
        "few rows": _few_rows,
        "few nodes": _few_nodes,
        "small options": _small_options,
        "one": _many_rows,
    },
    "many": _many,
    **dict.fromkeys(("one node", "one input and one node", "one update"), _few_nodes),
    "errors of the block before": _few_nodes,
}
# The same, by the first word of the name.
RULE = {"Adam", "RMSProp", "Nesterov's", "velocity", "state", "norm", "clipping", "weights", "masks", "one", "updates"}
BY_FIRST_WORD = dict.fromkeys(RULE, _ruled)
BY_FIRST_WORD |= dict.fromkeys(("first", "last", "part", "partial", "samples", "shuffled", "step"), _many_rows)


def _counters(parallel: ModuleType) -> Iterator[tuple[str, agreement.Comparison]]:
    """The queue of tasks on its own: with a mutant, training could hang, or repeat work without a wrong result."""
    queue = np.zeros(32, np.int64)
    parallel.add_tasks(queue, 3)
    yield "tickets", compare([parallel.claim(queue) for _ in range(5)], [0, 1, 2, -1, -1], 0)
    waiting = threading.Thread(target=parallel.wait_for_all, args=(queue,), daemon=True)
    waiting.start()
    for _ in range(3):
        waiting.join(0.02)
        yield "waiting", compare(waiting.is_alive(), True, 0)
        parallel.finish_task(queue)
    waiting.join(HANGS)
    yield "waiting", compare(waiting.is_alive(), False, 0)
    queue = np.zeros(parallel._TURNS + 3, np.int64)
    parallel.add_tasks(queue, 3)
    yield (
        "owned",
        compare([parallel.own(queue, 1, 0), parallel.own(queue, 1, 0), parallel.own(queue, 1, 1)], [1, 0, 1], 0),
    )
    yield "taken over", compare([parallel.take_over(queue, 3, 0) for _ in range(3)], [0, 2, -1], 0)
    for _ in range(3):
        parallel.finish_task(queue)
    yield "nothing to take over", compare(parallel.take_over(queue, 3, 1), -1, 0)
    queues: list[np.ndarray] = []
    parallel.run_parallel(lambda queue, is_coordinator: queues.append(queue), (), 0, 2)
    yield "more to wait for", compare(parallel.wait_for_tasks(queues[0]), False, 0)


def _sum_of_parts(training: ModuleType) -> Iterator[tuple[str, agreement.Comparison]]:
    """More numbers than are added at once, for which the networks above are too small."""
    G = np.random.default_rng(0).integers(-9, 9, (3, 2 * training._PIECE + 5)) * 1.0
    expected = G.sum(axis=0)
    training._add_parts(G)
    yield "sum of parts", compare(G[0], expected, 0)


def _finite_rows(cls: Any, inference: ModuleType) -> Iterator[tuple[str, agreement.Comparison]]:
    """Rows one by one, in the lanes, with packed weights, or in blocks, of which only the first is not finite."""
    network = Case((3, 2), 3).network(cls)
    for rows, most in ((3, 9), (9, 9), (9, 8)):
        X, out = np.ones((rows, 3)), np.empty((rows, 2))
        for X[0, 1], expected in ((np.inf, False), (1.0, True)):
            found = inference.predict_rows(network.parameters, cls.backend.layout(network.model), X, out, most)
            yield "finite rows", compare(found, expected, 0)
    X, out = np.ones((1100, 3)), np.empty((1100, 2))  # blocks that threads share
    for X[0, 1], expected in ((np.inf, False), (1.0, True)):
        yield "finite blocks", compare(cls.backend._evaluate(network.model, X, out[:0], 1.0, out)[1], expected, 0)


@pytest.fixture(scope="module", autouse=True)
def _the_trusted_answers_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        remembered.once(patch)
        yield


@pytest.mark.without_jit  # mutants are never compiled
@pytest.mark.counted
@pytest.mark.parametrize("backend", MUTANTS)
def test_the_unchanged_source_passes(backend, monkeypatch):
    unchanged = _load(backend, _sources(backend), monkeypatch, counted=True)
    failed = [f"{name}: {c}" for name, c in _compare(unchanged) if not c.ok]
    assert not failed


@pytest.mark.compiled  # mutants never are, so a second run would be the same
@pytest.mark.parametrize(
    ("backend", "mutant"),
    [pytest.param(backend, mutant, id=f"{backend}-{mutant}") for backend in MUTANTS for mutant in MUTANTS[backend]],
)
def test_mutant_fails(backend, mutant, monkeypatch):
    texts = _sources(backend)
    mutated = _load(backend, mutant.applied(texts), monkeypatch)
    about = ABOUT.get(mutant.name.partition(":")[0], BY_FIRST_WORD.get(mutant.name.partition(" ")[0]))
    first = () if about is None else about(mutated, samenet.backend("reference").Network)
    compared = itertools.chain(first, _compare(mutated))
    assert any(not comparison.ok for _, comparison in compared), "the comparison passed a wrong backend"


def test_every_backend_has_mutants():
    public = {"numpy"}  # its mutants are those of `check_backend`: samenet.testing.mistakes, run in test_conformance
    assert set(MUTANTS) | public == set(SOURCES) | public == set(samenet.backends())
    assert all(len(mutants) >= 6 for mutants in [*MUTANTS.values(), MISTAKES])


def test_mutants_are_made_of_all_modules():
    """A module of kernels that is missing from the list would be used unchanged, under its own name."""
    import samenet.fast.kernels

    found = {name for _, name, _ in pkgutil.walk_packages(samenet.fast.kernels.__path__, "samenet.fast.kernels.")}
    assert found < set(SOURCES["numba"])


@pytest.mark.without_jit
def test_a_fragment_is_found_whatever_its_spaces_and_line_breaks():
    texts = {"a": "x = f(\n    one, 2\n)\n", "b": "if x > 1:\n    y = x+1  # a comment\n"}
    assert replaced("f(one, 2)", "0", texts)["a"] == "x = 0\n"  # a whole expression
    assert replaced("f(one, 2", "f(3", texts)["a"] == "x = f(3\n)\n"  # a part of one
    assert replaced("if x > 1:y", "if x > 2:\n    y", texts)["b"] == "if x > 2:\n    y = x+1  # a comment\n"
    for fragment, times in (("x", 3), ("z", 0)):
        with pytest.raises(ValueError, match=f"'{fragment}' is {times} times in the source, not once"):
            replaced(fragment, "y", texts)
