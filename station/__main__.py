"""`python -m station VERB …`: the same as the installed `station` command."""

from station.cli.main import main

if __name__ == "__main__":
    main()
