"""The command line: `samenet COMMAND`, a module for each command; `pip install "samenet[cli]"` installs typer.

Commands read options and print; the rest of samenet does the work. `application` combines the commands, and turns an
error into one line on standard error and an exit status:

======  ============================================================================================
status  meaning
======  ============================================================================================
0       done
1       done, and a check failed: a backend that disagrees, an accuracy below `--at-least`
2       bad usage: an option or an argument is wrong, or a file cannot be written; no work was started
3       failure: data or a file that cannot be read or used, a missing package, or too little memory
130     stopped by Ctrl-C
141     the reader of the output has closed it, as `| head` does
======  ============================================================================================
"""
