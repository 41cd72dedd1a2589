"""``python -m botcore``."""

from botcore.cli import main

if __name__ == "__main__":
    main()
