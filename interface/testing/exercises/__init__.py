"""Graded exercises along the tutorials: files to fill in, and a check of them by the suite that backends pass.

`catalogue` lists them, the texts are in `tasks/`, `grading` makes a backend of what is written, and checks it.
"""
