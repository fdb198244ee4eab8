"""__main__: `python -m chronodesk` is the same as `chronodesk`."""

from chronodesk.cli import main

main()
