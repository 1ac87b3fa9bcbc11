"""`python -m torchup`."""

import sys

from torchup.cli import main

if __name__ == "__main__":
    sys.exit(main())
