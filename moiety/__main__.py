"""`python -m moiety`: the command line."""

from moiety.cli import main

main()
