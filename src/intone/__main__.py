"""`python -m intone` is `intone`."""

import sys

from intone.cli import main

if __name__ == "__main__":
    sys.exit(main())
