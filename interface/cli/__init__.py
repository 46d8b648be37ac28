"""The command line: `samenet COMMAND`, a module for each command; `pip install "samenet[cli]"` installs typer.

Commands read options and print; what they do is done by the rest of samenet. `application` puts them together and turns
what goes wrong into one line on standard error and an exit status:

======  ============================================================================================
status  meaning
======  ============================================================================================
0       done
1       done, and a check failed: a backend that disagrees, an accuracy below `--at-least`
2       bad usage: an option or an argument is wrong, or a file cannot be written; nothing was begun
3       it could not be done: data or a file that cannot be read or used, a package that is missing, no memory
130     stopped by Ctrl-C
141     whoever read the output has closed it, as `| head` does
======  ============================================================================================
"""
