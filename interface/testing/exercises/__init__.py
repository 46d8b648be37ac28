"""Graded exercises that follow the tutorials: files to fill in, checked by the suite for backends.

`catalogue` lists them, the texts are in `tasks/`, `grading` builds a backend from a solution, and checks it.
"""
